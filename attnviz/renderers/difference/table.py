"""The difference of two traces for a person: the heads that are furthest apart, and where."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from attnviz.analysis.difference.result import Difference
from attnviz.renderers.diagnosis.facts import Facts
from attnviz.renderers.diagnosis.told import Row
from attnviz.renderers.difference.told import told
from attnviz.renderers.shared.plain import plain
from attnviz.renderers.shared.sentence import Sentence
from attnviz.renderers.shared.table import BOLD, DIM, GAP, MatrixTable
from attnviz.text.lessons import Lessons, lessons


def to_renderable(found: Difference, words: Lessons | None = None) -> Group:
    """What was compared, a row for each pair of heads, and how to read it.

    ``words`` are in the language of the reader; None: in that of ``found``.
    """
    said = told(found, words or lessons(found.language))
    return Group(
        Sentence(said.headline, BOLD),
        Facts([Row(side, source) for side, source in said.sources]),
        *(Sentence(line) for line in said.tokens),
        Text(""),
        MatrixTable(said.matrix, gap=GAP),
        Text(""),
        *(Sentence(line, DIM) for line in said.notes),
    )


def to_text(found: Difference) -> str:
    """The same in the language of ``found`` as plain text."""
    return plain(to_renderable(found))
