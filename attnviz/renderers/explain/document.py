"""The parts of an explanation: headings, and a section for each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from attnviz.renderers.shared.matrix import Matrix


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
