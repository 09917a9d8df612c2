"""A computed block shows itself: as text, on a console, in a notebook."""

from __future__ import annotations

import io

from rich.console import Console

from attnviz.renderers.course.answered import Answered
from attnviz.renderers.course.pieces import table

ANSWERED = Answered("name", (table("", ["a"], ["b"], [["1"]]), "A sentence."))


def test_it_shows_itself_everywhere():
    console = Console(width=40, record=True, file=io.StringIO())
    console.print(ANSWERED)
    assert console.export_text() == str(ANSWERED)
    assert str(ANSWERED).endswith("a │ 1\n\nA sentence.\n")
    assert "<p>A sentence.</p>" in ANSWERED._repr_html_()
