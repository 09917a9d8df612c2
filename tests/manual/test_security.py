"""The topic security: every sentence of it names the tests that hold it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from documents import MANUAL, ROOT

SECURITY = (MANUAL / "security.md").read_text(encoding="utf-8")
HELD = ("What never happens", "What is bounded, and by what")  # the sections whose sentences promise something
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def promises(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Each bullet of the sections that promise: its words, and the files and names of its tests."""
    for section in re.split(r"^## ", text, flags=re.MULTILINE):
        if section.partition("\n")[0] in HELD:
            for bullet in re.split(r"^- ", section, flags=re.MULTILINE)[1:]:
                yield TEST.sub("", bullet).strip(), TEST.findall(bullet)


def faults(text: str) -> list[str]:
    """Promises without a test, several in one, and tests that there are not."""
    found = []
    for words, tests in promises(text):
        if not tests:
            found.append(f"no test: {words}")
        if words.count(". ") or not words.endswith("."):
            found.append(f"not one sentence: {words}")
        found += [f"{path} has no {name}" for path, name in tests if name not in functions(path)]
    return found


def functions(path: str) -> set[str]:
    if not (ROOT / path).is_file():
        return set()
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_promise_has_tests_that_hold_it():
    assert faults(SECURITY) == []
    assert len(list(promises(SECURITY))) > 20


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ("## What never happens\n\n- Nothing.\n", "no test: Nothing."),
        ("## What never happens\n\n- A. And B.\n  `tests/test_files.py::test_x`\n", "not one sentence: A. And B."),
        ("## What never happens\n\n- A.\n  `tests/test_files.py::test_x`\n", "tests/test_files.py has no test_x"),
        ("## What never happens\n\n- A.\n  `tests/none.py::test_x`\n", "tests/none.py has no test_x"),
    ],
)
def test_a_planted_fault_is_found(planted, fault):
    assert fault in faults(planted)
