"""Many texts as one matplotlib artist."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import matplotlib
import numpy
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

POINT = 1 / 72  # inches
CAPITAL = 0.73  # height of a capital letter of DejaVu Sans, in ems
INK, PALE = "#222222", "#6b6b6b"


class Word(NamedTuple):
    """A text at a place in inches; ``across`` (0 … 1 from its start to its end) and ``up`` (0 … 1 from its baseline to
    the top of its capitals) say which point of it stands there."""

    text: str
    x: float
    y: float
    size: float
    across: float = 0.5
    up: float = 0.5
    colour: str = INK
    upright: bool = False  # reads upwards
    bold: bool = False


class Words(Artist):
    """Many texts as one artist. In PNG each different one is drawn once and stamped; in SVG and PDF text stays text."""

    def __init__(self, words: Sequence[Word], families: Sequence[str]) -> None:
        super().__init__()
        self.words = words
        self._fonts = {
            (size, bold): FontProperties(
                family=[*families, "sans-serif"], size=size, weight="bold" if bold else "normal"
            )
            for size, bold in {(word.size, word.bold) for word in words}
        }

    def draw(self, renderer: Any) -> None:
        scale, widths, stamps = self.get_figure().dpi, {}, {}  # type: ignore[union-attr]
        gc = renderer.new_gc()
        for word in self.words:
            font = self._fonts[word.size, word.bold]
            key = (word.text, word.size, word.bold)
            if key not in widths:
                widths[key] = renderer.get_text_width_height_descent(word.text, font, False)[0]
            # From the baseline, not from the word's own box: "step" and "one" must share a line.
            along, aside = -word.across * widths[key], -word.up * CAPITAL * word.size * POINT * scale
            if word.upright:
                along, aside = -aside, along
            x, y = word.x * scale + along, word.y * scale + aside
            if isinstance(renderer, RendererAgg):
                look = (*key, word.colour)
                if look not in stamps:
                    stamps[look] = _stamp(word, font, widths[key], scale)
                stamp, right, down = _turned(*stamps[look]) if word.upright else stamps[look]
                renderer.draw_image(gc, round(x) - right, round(y) - down, stamp)
            else:
                gc.set_foreground(word.colour)
                y = renderer.height - y if renderer.flipy() else y
                renderer.draw_text(gc, x, y, word.text, font, 90 if word.upright else 0)
        gc.restore()


def _stamp(word: Word, font: FontProperties, width: float, dpi: float) -> tuple[numpy.ndarray, int, int]:
    """``word`` as pixels on nothing, and how far the start of its baseline is from their lower left corner."""
    margin, size = 3, word.size * POINT * dpi
    renderer = RendererAgg(math.ceil(width) + 2 * margin, math.ceil(size * 2.5), dpi)
    baseline = round(size)  # from the bottom: room for what hangs below
    gc = renderer.new_gc()
    gc.set_foreground(word.colour)
    renderer.draw_text(gc, margin, renderer.height - baseline, word.text, font, 0)
    return numpy.asarray(renderer.buffer_rgba())[::-1], margin, baseline  # draw_image counts rows from below


def _turned(pixels: numpy.ndarray, right: int, down: int) -> tuple[numpy.ndarray, int, int]:
    """A stamp that reads upwards: what was below its baseline is now at the right of it."""
    return numpy.rot90(pixels, -1), pixels.shape[0] - down, right


@lru_cache
def text_width(texts: tuple[str, ...], families: tuple[str, ...], size: float, bold: bool = False) -> float:
    """The width of the longest of ``texts``, in inches."""
    font = FontProperties(family=list(families), size=size, weight="bold" if bold else "normal")
    renderer = RendererAgg(1, 1, 720)  # ten times a point, so that hinting does not matter
    with missing_glyphs_unspoken():
        return float(max(renderer.get_text_width_height_descent(text, font, False)[0] for text in set(texts)) / 720)


@contextmanager
def own_settings(**settings: Any) -> Iterator[None]:
    """matplotlib as it comes, with ``settings``, whatever a person's matplotlibrc says: the same input, the same picture."""
    plain = {name: value for name, value in matplotlib.rcParamsDefault.items() if "backend" not in name}
    with matplotlib.rc_context(plain | settings):  # type: ignore[arg-type]
        yield


@contextmanager
def missing_glyphs_unspoken() -> Iterator[None]:
    """matplotlib warns of each glyph that no font has, each time; who draws says it once (``fonts.families``)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield
