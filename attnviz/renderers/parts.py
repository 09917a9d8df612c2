"""The parts of an explanation, and what all who write them share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy

from attnviz.choices import Step
from attnviz.renderers import numbers
from attnviz.renderers.matrices import Looks, Matrix, MatrixMaker
from attnviz.text.display import shorten, shown
from attnviz.trace.origin import layer_error
from attnviz.trace.selection import Part
from attnviz.trace.trace import Trace, numbered

LABEL_CELLS = 16  # of a token in a sentence or a table


class Heading(NamedTuple):
    """A line that opens a part: the whole (level 1), a layer (2) or a head (3)."""

    level: int
    text: str
    facts: str = ""


class Section(NamedTuple):
    """One step: its name, its formula, sentences about it, its numbers; or arithmetic, line for line."""

    title: str
    formula: str
    sentences: list[str]
    matrices: list[Matrix]
    lines: Sequence[str] = ()


class Writer:
    """One layer as it is written about: its tokens as they are shown, and how a sentence, a number, a section is made."""

    def __init__(self, trace: Trace, part: Part, steps: Sequence[Step], looks: Looks) -> None:
        self.layer, self.part, self.steps, self.looks = part.layer, part, steps, looks
        self.query_names = [name(token) for token in trace.query_tokens(part.layer)]
        self.key_names = [name(token) for token in trace.key_tokens(part.layer)]
        self.matrices = MatrixMaker(part, looks, self.query_names, self.key_names)
        self.error = layer_error(trace, part.layer)
        self.say = looks.lessons.say

    def section(self, step: Step, formula: str, sentences: list[str], *matrices: Matrix) -> Section:
        return Section(self.say(f"title.{step.value}"), formula, [] if self.looks.quiet else sentences, list(matrices))

    def number(self, value: float) -> str:
        return numbers.number(value, self.looks.precision)

    def vector(self, values: numpy.ndarray) -> str:
        return numbers.vector(values, self.looks.precision)


def unnamed(tokens: Sequence[str]) -> bool:
    """Whether ``tokens`` are but their own positions, as of arrays that came without."""
    return any(tuple(tokens) == numbered(len(tokens), prefix) for prefix in ("", "q", "k"))


def file_name(trace: Trace, tokens: Sequence[str]) -> str | None:
    """What to call a text that is none: the file whose arrays came without tokens."""
    return str(trace.source["file"]) if "file" in trace.source and unnamed(tokens) else None


def name(token: str) -> str:
    """A token as sentences and tables name it."""
    return shorten(shown(token), LABEL_CELLS)
