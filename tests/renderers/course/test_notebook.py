"""The course as a notebook, whose cells run."""

from __future__ import annotations

import ast
import contextlib
import io
import json

import pytest

import attnviz
from attnviz import learn
from attnviz.choices import Language
from attnviz.renderers.course.notebook import to_notebook
from attnviz.text.course import chapters


def notebook(language, numbers, text=None):
    return json.loads(to_notebook([learn(number, language=language, text=text) for number in numbers], language))


def run(cells):
    """Run the cells of code one after the other, as a notebook does; what the last expression of each is, or None."""
    names = {}
    for cell in cells:
        *statements, last = ast.parse(cell["source"]).body
        with contextlib.redirect_stdout(io.StringIO()):
            if not isinstance(last, ast.Expr):
                statements, last = [*statements, last], None
            exec(compile(ast.Module(statements, []), "cell", "exec"), names)
            yield None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def check(made):
    """Each cell runs, and a computed one shows just what the notebook holds already."""
    code = [cell for cell in made["cells"] if cell["cell_type"] == "code"]
    for cell, value in zip(code, run(code), strict=True):
        for output in cell["outputs"]:
            assert output["data"]["text/html"] == value._repr_html_()
            assert output["data"]["text/plain"] == str(value)
    return code


@pytest.mark.parametrize("numbers", [(1, 5), (2, 3, 4)])
def test_the_cells_of_a_notebook_run_and_show_what_it_holds(numbers):
    assert len(check(notebook(Language.EN, numbers))) > 10


@pytest.mark.slow
@pytest.mark.parametrize("language", Language)
def test_all_cells_of_all_chapters_run(language):
    numbers = [chapter.number for chapter in chapters()]
    assert sum(bool(cell["outputs"]) for cell in check(notebook(language, numbers))) > 30


def test_a_cell_that_holds_other_numbers_is_caught():
    made = notebook(Language.EN, [1])
    planted = next(cell for cell in made["cells"] if cell.get("outputs"))
    planted["outputs"][0]["data"]["text/plain"] += "1"
    with pytest.raises(AssertionError):
        check(made)


def test_it_is_a_notebook_of_the_format():
    """What nbformat 4.5 asks for."""
    made = notebook(Language.VI, [1])
    assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in made["cells"]}) == len(made["cells"])
    for cell in made["cells"]:
        extra = {"outputs", "execution_count"} if cell["cell_type"] == "code" else set()
        assert cell.keys() == {"id", "cell_type", "metadata", "source"} | extra
    assert any("### Câu hỏi" in cell["source"] for cell in made["cells"])
    assert made["cells"][0]["source"] == "# 1 · Tích vô hướng"


def test_the_sentence_is_the_reader_s_and_stands_once():
    text = 'a "b" \\ \udc80\n</script>'
    made = notebook(Language.EN, [1], text)
    names = {}
    exec(made["cells"][1]["source"], names)
    assert names["text"] == text.replace("\udc80", "\\udc80")
    assert names["attnviz"] is attnviz
