"""The parts of an explanation: headings, and a section for each step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from attnviz.renderers.shared.matrix import Matrix

# A token in a sentence: whatever it is, it holds no white space, which is written out wherever tokens are shown.
TOKEN = re.compile(r"`(\S+)`")


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


class Abreast(NamedTuple):
    """Sections that belong together, as Query, Key and Value do: side by side where there is room."""

    sections: Sequence[Section]


Part = Heading | Section | Abreast


def one_by_one(parts: Iterable[Part]) -> Iterator[Heading | Section]:
    """``parts``, what stands side by side one after the other."""
    for part in parts:
        yield from part.sections if isinstance(part, Abreast) else [part]


def with_tokens(sentence: str, text: Callable[[str], str], token: Callable[[str], str]) -> str:
    """``sentence`` as a format writes it, whose ``text`` is escaped in one way and each ``token`` in another."""
    pieces = TOKEN.split(sentence)  # text, token, text, …
    return "".join(token(piece) if place % 2 else text(piece) for place, piece in enumerate(pieces))
