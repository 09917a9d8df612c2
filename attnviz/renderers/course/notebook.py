"""The course as a Jupyter notebook (nbformat 4.5), which computes its tables when it is run and holds them already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from attnviz.choices import Language
from attnviz.renderers.course.answered import Answered
from attnviz.renderers.course.lesson import Lesson
from attnviz.renderers.course.page import title
from attnviz.text.characters import valid_text
from attnviz.text.course import Commands, Formula, Mark, Paragraph, Program, Subheading

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
Cell = dict[str, Any]


def to_notebook(lessons: Sequence[Lesson], language: Language) -> bytes:
    """A cell of text for what is read, a cell of code for each computed block, and the chapter's own Python."""
    text = valid_text(lessons[0].material.text)
    opening = f"import attnviz\n\ntext = {json.dumps(text, ensure_ascii=False)}"
    cells = [_markdown(f"# {title(lessons)}"), _code(opening)]
    for lesson in lessons:
        cells += _cells(lesson, language)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    notebook = {"cells": cells, "metadata": {"kernelspec": KERNEL}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode() + b"\n"


def _cells(lesson: Lesson, language: Language) -> Iterator[Cell]:
    say = lesson.material.lessons.say
    yield _markdown(f"## {lesson.heading}")
    yield _code(f'lesson = attnviz.learn({lesson.chapter.number}, text=text, language="{language.value}")')
    for part in lesson.parts:
        match part:
            case Mark.SCREEN:
                continue
            case Mark():
                yield _markdown(f"### {say(f'course.{part.value}')}")
            case Paragraph(text):
                yield _markdown(text)
            case Subheading(text):
                yield _markdown(f"### {text}")
            case Formula(lines) | Commands(lines):
                yield _markdown("\n".join(["```text", *lines, "```"]))
            case Program(text):
                yield _code(text)
            case Answered():
                yield _code(f'lesson["{part.name}"]', part)


def _markdown(text: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(source: str, shown: Answered | None = None) -> Cell:
    data = None if shown is None else {"text/html": shown._repr_html_(), "text/plain": str(shown)}
    outputs = [] if data is None else [{"output_type": "display_data", "metadata": {}, "data": data}]
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": outputs, "source": source}
