"""The cells of a map as characters: half blocks in colour, shade glyphs where there is no colour."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from attnviz.choices import Pool
from attnviz.renderers.shared import colours
from attnviz.renderers.shared.scale import Scale

SHADES = "░▒▓█"  # a small weight is still something; what is hidden is a dot
HIDDEN = "·"
DIM = Style(dim=True)
TINTS = 64  # different colours at the most: a style each

Paint = Callable[[float], tuple[int, int, int]]


class Cells:
    """Draws the cells of maps, each ``size`` characters wide.

    In colour a character holds two pixels, one above the other, and a cell is as many pixels high as it is wide; without
    colour a character is a pixel, and a cell is half as many lines high.
    """

    def __init__(self, size: int, scale: Scale, paint: Paint, coloured: bool) -> None:
        self.size, self.scale, self.paint, self.coloured = size, scale, paint, coloured

    def lines(self, rows: int) -> int:
        """How many lines so many rows of cells take."""
        return math.ceil(rows * self.size / 2) if self.coloured else rows * self._plain_height

    def label_row(self, line: int) -> int | None:
        """The row of large cells whose middle lies on ``line``; None where none does."""
        high = self.size / 2 if self.coloured else self._plain_height
        row = int(line // high)
        return row if line == math.ceil((row + 0.5) * high) - 1 else None

    def line(self, values: numpy.ndarray, line: int) -> Iterator[Segment]:
        """One line of the map ``values``, (rows, columns)."""
        if not self.coloured:
            for value in values[line // self._plain_height]:
                yield Segment((HIDDEN if value == -math.inf else shade(self._tint(value))) * self.size)
            return
        upper, lower = values[2 * line // self.size], values[min((2 * line + 1) // self.size, len(values) - 1)]
        if (2 * line + 1) // self.size >= len(values):
            lower = numpy.full_like(upper, math.nan)  # below the last row: nothing
        for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
            yield self._blocks(top, bottom)

    @property
    def _plain_height(self) -> int:
        return max(self.size // 2, 1)

    def _blocks(self, top: float, bottom: float) -> Segment:
        """One cell's width of a line: two pixels, one above the other, in each character."""
        if top == -math.inf and not bottom > -math.inf:
            return Segment(HIDDEN * self.size, DIM)
        if top == -math.inf:
            return Segment("▄" * self.size, style(self.paint(self._tint(bottom))))
        if not bottom > -math.inf:
            return Segment("▀" * self.size, style(self.paint(self._tint(top))))
        return Segment("▀" * self.size, style(self.paint(self._tint(top)), self.paint(self._tint(bottom))))

    def _tint(self, value: float) -> float:
        return round(self.scale.place(value) * TINTS) / TINTS


def painter(cmap: str | None, diverging: bool) -> Paint:
    """What turns a value between 0 and 1 into its colour."""
    if cmap is None and not diverging:
        return colours.rgb
    mapped = colours.colour_map(colours.DIVERGING if cmap is None else cmap)
    return lambda tint: tuple(round(255 * channel) for channel in mapped(tint)[:3])


def pooled(values: numpy.ndarray, size: int, pool: Pool) -> numpy.ndarray:
    """The mean of the visible cells of each block of ``size`` × ``size``, or the largest; −∞ where a block shows none."""
    if size == 1:
        return values
    rows, columns = (math.ceil(length / size) for length in values.shape)
    padded = numpy.full((rows * size, columns * size), -math.inf)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(rows, size, columns, size)
    if pool is Pool.MAX:
        largest: numpy.ndarray = blocks.max(axis=(1, 3))
        return largest
    seen = blocks > -math.inf
    count = seen.sum(axis=(1, 3))
    unit = 2.0 ** (size * size).bit_length()  # so that no sum overflows; a power of two changes no digit
    total = numpy.where(seen, blocks / unit, 0.0).sum(axis=(1, 3))
    return numpy.where(count > 0, total / numpy.maximum(count, 1) * unit, -math.inf)


def shade(tint: float) -> str:
    """The glyph of a value between 0 and 1, where there is no colour."""
    return SHADES[min(int(tint * len(SHADES)), len(SHADES) - 1)]


@lru_cache(maxsize=4096)
def style(front: tuple[int, int, int], back: tuple[int, int, int] | None = None) -> Style:
    """A style of these colours; only a few thousand of them are ever needed."""
    return Style(color=Color.from_rgb(*front), bgcolor=None if back is None else Color.from_rgb(*back))
