"""The notebook in samples/: it is well-formed, holds no output, and every cell of it runs and shows what it ends with."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[1] / "samples" / "attnviz.ipynb"
SHOWN = ("_repr_mimebundle_", "_repr_html_", "_repr_png_")  # what a notebook asks for, in this order


def cells() -> list[dict[str, Any]]:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def shown(cell: str, names: dict[str, Any]) -> Any:
    """Run ``cell``, and show its last expression as a notebook does; None where it ends with none."""
    statements = ast.parse(cell).body
    last = statements.pop() if statements and isinstance(statements[-1], ast.Expr) else None
    exec(compile(ast.Module(statements, []), "cell", "exec"), names)
    if not isinstance(last, ast.Expr):
        return None
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    way = next((getattr(value, name) for name in SHOWN if hasattr(value, name)), value.__repr__)
    return way()


@pytest.fixture
def drawn_by_agg():
    """matplotlib without a window, and no figure left open."""
    import matplotlib

    before = matplotlib.get_backend()
    matplotlib.use("agg")
    import matplotlib.pyplot as pyplot

    yield
    pyplot.close("all")
    matplotlib.use(before)


@pytest.mark.slow
@pytest.mark.usefixtures("drawn_by_agg")
def test_every_cell_runs_and_shows_what_it_ends_with(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    results = [shown(source(cell), names) for cell in cells() if cell["cell_type"] == "code"]
    assert len([one for one in results if one is not None]) >= 12
    assert results[-2] == "True"  # what was saved is what is read
    assert capsys.readouterr().out == "layer 5 does not exist: the trace has layers 0 to 1\n"


def test_it_holds_no_output_and_is_of_the_format():
    whole = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (whole["nbformat"], whole["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in whole["cells"]}) == len(whole["cells"])
    for cell in whole["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_what_it_says_of_the_text_is_so():
    """The head that it walks through looks at the subject, and not at the nearest noun."""
    import attnviz

    trace = attnviz.trace_model("tiny", "the dogs near the tree")
    [row] = trace.layers[1].steps(head=3, query=4).weights
    assert trace.tokens[int(row.argmax())] == "dogs"
    assert any((one.layer, one.head, one.role) == (1, 3, "syntax") for one in trace.roles)


def test_a_cell_that_fails_is_not_passed_over():
    with pytest.raises(NameError):
        shown("a = 1\nb", {})
    assert shown("a = 1\na", {}) == "1"
    assert shown("a = 1", {}) is None
