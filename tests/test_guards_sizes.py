"""Functions and files stay short: what grows past these lengths is waiting to be two things."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator, Mapping

import pytest
from package_sources import module_sources, nodes

MEDIAN, LONGEST_FUNCTION, LONGEST_FILE = 8, 60, 300
KERNELS = ("attnviz.pooling.gpu.",)  # a kernel is compiled as a whole, and reads from top to bottom


def functions(sources: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Every function with its number of lines, from ``def`` to the last."""
    for module, source in sources.items():
        for node in nodes(source):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                yield f"{module}.{node.name}", node.end_lineno - node.lineno + 1


def faults(sources: Mapping[str, str]) -> list[str]:
    """What is too long, outside of the kernels."""
    others = {module: source for module, source in sources.items() if not module.startswith(KERNELS)}
    lengths = list(functions(others))
    files = [(module, source.count("\n")) for module, source in others.items()]
    middle = statistics.median(lines for _, lines in lengths)
    return [
        *(f"{name} has {lines} lines" for name, lines in lengths if lines > LONGEST_FUNCTION),
        *(f"{module} has {lines} lines" for module, lines in files if lines > LONGEST_FILE),
        *([f"the median function has {middle} lines"] if middle > MEDIAN else []),
    ]


def test_nothing_is_too_long():
    assert faults(module_sources()) == []


LONG = "\n    a = 1"


@pytest.mark.parametrize(
    ("module", "planted", "fault"),
    [
        ("attnviz.errors", f"def f():{60 * LONG}", "attnviz.errors.f has 61 lines"),
        ("attnviz.errors", f"def f():{58 * LONG}\n    def g():\n        return 1", "attnviz.errors.f has 61 lines"),
        ("attnviz.errors", 301 * "A = 1\n", "attnviz.errors has"),
        ("attnviz.pooling.gpu.planted", f"def f():{300 * LONG}", None),
        (
            "attnviz.errors",
            "\n".join(f"def f{place}():{9 * LONG}" for place in range(3000)),
            "the median function has 10",
        ),
    ],
)
def test_what_is_planted_too_long_is_found(module, planted, fault):
    sources = module_sources()
    found = faults(sources | {module: f"{sources.get(module, '')}\n{planted}\n"})
    if fault is None:
        assert found == faults(sources)
    else:
        assert any(one.startswith(fault) for one in found)
