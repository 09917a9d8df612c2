"""The page of the manual on Python: every command has its call there, and every public name is told of."""

from __future__ import annotations

import re
from collections.abc import Iterable

from documents import MANUAL

import attnviz
from attnviz.cli.app import COMMANDS

PAGE = (MANUAL / "python.md").read_text(encoding="utf-8")
# What a person meets as the result of a call, and by that call's name.
RESULTS = {"Diagnosis", "Difference", "Pooled", "Stats", "Steps", "Trace", "Layer", "Projection", "Rule", "__version__"}


def without_a_call(commands: Iterable[str], page: str) -> list[str]:
    """The commands that begin no row of a table on ``page``."""
    rows = set(re.findall(r"^\| `attnviz ([a-z]+)", page, re.MULTILINE))
    return [command for command in commands if command not in rows]


def untold(names: Iterable[str], page: str) -> list[str]:
    """The public names that ``page`` names nowhere as code."""
    code = " ".join(re.findall(r"`([^`\n]+)`", page) + re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    return [name for name in names if not re.search(rf"\b{name}\b", code)]


def test_every_command_has_its_call():
    assert without_a_call(COMMANDS, PAGE) == []


def test_every_public_call_is_told_of():
    assert untold([name for name in attnviz.__all__ if name not in RESULTS], PAGE) == []
    assert set(attnviz.__all__) >= RESULTS


def test_what_is_planted_away_is_missed():
    assert without_a_call(COMMANDS, PAGE.replace("| `attnviz roles", "| `roles")) == ["roles"]
    assert untold(["trace_arrays"], PAGE.replace("trace_arrays", "traced")) == ["trace_arrays"]
