"""What computed blocks are made of: tables, and sentences beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy

from attnviz.choices import PRECISION, Step
from attnviz.renderers.course.material import Material
from attnviz.renderers.explain.document import Section
from attnviz.renderers.explain.sections import explain
from attnviz.renderers.explain.sentences import EQUAL
from attnviz.renderers.shared.labels import named
from attnviz.renderers.shared.matrix import Looks, Matrix
from attnviz.renderers.shared.numbers import matrix
from attnviz.text.display import NamedToken
from attnviz.trace.selection import select
from attnviz.trace.trace import Trace

Piece = Matrix | str  # a table or a sentence
Tell = Callable[..., str]  # a block's own words, with values in their places
Block = Callable[[Material, Tell], list[Piece]]

MOST_WORDS = 8  # of a sentence in a table
BEGINNING = 3  # words that the tiny model goes on from
FOCUS = 2  # the word that is followed through the course: the third, `starts` in the textbook's sentence


def table(corner: str, rows: Iterable[str], columns: Iterable[str], cells: Iterable[Iterable[str]]) -> Matrix:
    """A table of words and numbers that are not compared."""
    texts = [list(row) for row in cells]
    return Matrix(corner, list(rows), list(columns), texts, [[None] * len(row) for row in texts])


def explained(material: Material, trace: Trace, step: Step, query: int | None = None, head: int = 0) -> Section:
    """What explain says of one step of a head, of all queries or of one."""
    where = None if query is None else f"@{query}"
    selection = select(trace, head=[str(head)], step=[step], query=where)
    parts = explain(trace, selection, Looks(material.lessons, max_tokens=MOST_WORDS))
    return next(part for part in parts if isinstance(part, Section))


def focus(trace: Trace) -> int:
    """The position of the word that is followed through the course; in a short sentence the last."""
    return min(FOCUS, len(trace.tokens) - 1)


def beginning(trace: Trace) -> str:
    """The first words, which the tiny model goes on from."""
    return " ".join(trace.tokens[:BEGINNING])


def focused(trace: Trace) -> NamedToken:
    """That word as a sentence names it."""
    return named(trace.tokens)[focus(trace)]


def largest(values: numpy.ndarray, names: Sequence[NamedToken]) -> str:
    """The words that have the largest of ``values``, as a sentence lists them."""
    ties = numpy.flatnonzero(values >= values.max() - EQUAL * max(abs(float(values.max())), 1.0))
    return ", ".join(names[place].quoted for place in ties[:MOST_WORDS].tolist())


def shown_words(trace: Trace) -> list[int]:
    """The positions of the words that a table of words shows: the first few, the word that is followed among them."""
    return list(range(min(len(trace.tokens), MOST_WORDS)))


def aligned(values: numpy.ndarray) -> list[str]:
    """Each row of ``values`` as a vector, its numbers below those of the others."""
    cells = matrix(values, PRECISION)
    width = max(len(cell) for row in cells for cell in row)
    return [f"[{' '.join(cell.rjust(width) for cell in row)}]" for row in cells]


def step_array(trace: Trace, name: str, head: int = 0) -> Any:
    """A step of a head of the first layer, as a NumPy array."""
    return numpy.asarray(getattr(trace.layers[0].steps(head), name))
