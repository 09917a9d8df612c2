"""The title of a picture, the line below it, and the titles of its panels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from attnviz.renderers.heatmap.measures import GAP, HINTING, POINT, PRINTED_FONT, text_width
from attnviz.renderers.heatmap.panel_grid import PanelGrid
from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.heatmap.text_artist import PALE, PlacedText

LEAST_FONT, LARGEST_FONT = 11.0, 26.0  # points
LEAST_WIDTH = 5.5  # inches: a title that is longer than this and than the panels goes on in another line
SUBTITLE = 0.7  # of the title's font
LINE = 1.25  # from line to line of a title, in ems

Families = tuple[str, ...]


class TitleBlock(NamedTuple):
    """The title above a picture; lengths are in inches, the font in points.

    lines      of the title; sublines, of what stands below it
    height     of both, and of what surrounds them
    width      of the longest line
    """

    font: float
    lines: tuple[str, ...]
    sublines: tuple[str, ...]
    height: float
    width: float


class PanelTitles(NamedTuple):
    """The titles above panels, which a single panel has not: their font in points, their room in inches."""

    font: float
    height: float
    width: float


def title_font(picture: Picture, grid: PanelGrid) -> float:
    """The font of the title: the wider the panels, the larger."""
    least = LEAST_FONT if picture.width is None else PRINTED_FONT / SUBTITLE
    return min(max(grid.columns * grid.panel[0] * 1.6, least), LARGEST_FONT)


def title_block(picture: Picture, font: float, room: float, families: Families) -> TitleBlock:
    """The title of ``picture``, whose lines are no wider than ``room`` where their words allow it."""
    room = max(room, LEAST_WIDTH) if picture.width is None else picture.width - 2 * GAP
    lines, width = _wrapped(picture.title, room, families, font, bold=True)
    sublines, below = _wrapped(picture.subtitle, room, families, font * SUBTITLE)
    more = (len(lines) - 1) * LINE + (len(sublines) - 1) * LINE * SUBTITLE
    return TitleBlock(font, lines, sublines, font * (2.9 + more) * POINT + GAP, max(width, below))


def panel_titles(picture: Picture, font: float, title: float, families: Families) -> PanelTitles:
    """How the panels of ``picture`` are titled, whose tokens have ``font`` and whose own title has ``title``."""
    size = max(font * 1.15, title * 0.62)
    if len(picture.panels) == 1:
        return PanelTitles(size, 0.0, 0.0)
    width = text_width(tuple(panel.title for panel in picture.panels), families, size)
    return PanelTitles(size, (size + 5) * POINT, width)


def title_texts(block: TitleBlock, top: float) -> Iterator[PlacedText]:
    """The lines of ``block`` in a figure that is ``top`` inches high."""
    y = top - GAP - block.font * POINT
    for line in block.lines:
        yield PlacedText(line, GAP, y, block.font, across=0, up=0, bold=True)
        y -= block.font * LINE * POINT
    for line in block.sublines:
        yield PlacedText(line, GAP, y, block.font * SUBTITLE, across=0, up=0, colour=PALE)
        y -= block.font * SUBTITLE * LINE * POINT


def _wrapped(
    text: str, width: float, families: Families, size: float, bold: bool = False
) -> tuple[tuple[str, ...], float]:
    """``text`` in lines no wider than ``width`` where its words allow it, and the width of the longest, in inches."""

    def measured(line: str) -> float:
        return HINTING * text_width((line,), families, size, bold)

    # "keys 1,000–1,059" stays together.
    phrases = [text] if measured(text) <= width else re.split("(?<=[,·]) ", text)
    words = [word for phrase in phrases for word in ([phrase] if measured(phrase) <= width else phrase.split(" "))]

    def filled(width: float) -> list[str]:
        lines: list[str] = []
        for word in words:
            if lines and measured(f"{lines[-1]} {word}") <= width:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines

    # As narrow as the same number of lines may be, down to the half: no word stands alone in the last.
    choices = [filled(width * tenths / 10) for tenths in range(5, 11)]
    lines = next(lines for lines in choices if len(lines) == len(choices[-1]))
    return tuple(lines), max(map(measured, lines))
