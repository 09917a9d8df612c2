"""Many texts as one matplotlib artist."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties
from matplotlib.transforms import Bbox

from attnviz.renderers.heatmap.measures import CAPITAL, POINT

INK, PALE = "#222222", "#6b6b6b"


class PlacedText(NamedTuple):
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


class TextArtist(Artist):
    """Many texts as one artist. In PNG each different one is drawn once and stamped; in SVG and PDF text stays text."""

    def __init__(self, texts: Sequence[PlacedText], families: Sequence[str]) -> None:
        super().__init__()
        self.texts = texts
        self._fonts = {
            (size, bold): FontProperties(
                family=[*families, "sans-serif"], size=size, weight="bold" if bold else "normal"
            )
            for size, bold in {(text.size, text.bold) for text in texts}
        }

    def get_window_extent(self, renderer: Any = None) -> Bbox:  # noqa: ARG002  (matplotlib gives it)
        """All of the figure, whose edges leave room for the texts: bbox_inches="tight" would cut them off otherwise."""
        return Bbox(self.get_figure().bbox.get_points())  # type: ignore[union-attr]

    def draw(self, renderer: Any) -> None:
        scale, widths, stamps = self.get_figure().dpi, {}, {}  # type: ignore[union-attr]
        gc = renderer.new_gc()
        for text in self.texts:
            font = self._fonts[text.size, text.bold]
            key = (text.text, text.size, text.bold)
            if key not in widths:
                widths[key] = renderer.get_text_width_height_descent(text.text, font, False)[0]
            # From the baseline, not from the text's own box: "step" and "one" must share a line.
            along, aside = -text.across * widths[key], -text.up * CAPITAL * text.size * POINT * scale
            if text.upright:
                along, aside = -aside, along
            x, y = text.x * scale + along, text.y * scale + aside
            if isinstance(renderer, RendererAgg):
                look = (*key, text.colour)
                if look not in stamps:
                    stamps[look] = _stamp(text, font, widths[key], scale)
                stamp, right, down = _turned(*stamps[look]) if text.upright else stamps[look]
                renderer.draw_image(gc, round(x) - right, round(y) - down, stamp)
            else:
                gc.set_foreground(text.colour)
                y = renderer.height - y if renderer.flipy() else y
                renderer.draw_text(gc, x, y, text.text, font, 90 if text.upright else 0)
        gc.restore()


def _stamp(text: PlacedText, font: FontProperties, width: float, dpi: float) -> tuple[numpy.ndarray, int, int]:
    """``text`` as pixels on nothing, and how far the start of its baseline is from their lower left corner."""
    margin, size = 3, text.size * POINT * dpi
    renderer = RendererAgg(math.ceil(width) + 2 * margin, math.ceil(size * 2.5), dpi)
    baseline = round(size)  # from the bottom: room for what hangs below
    gc = renderer.new_gc()
    gc.set_foreground(text.colour)
    renderer.draw_text(gc, margin, renderer.height - baseline, text.text, font, 0)
    return numpy.asarray(renderer.buffer_rgba())[::-1], margin, baseline  # draw_image counts rows from below


def _turned(pixels: numpy.ndarray, right: int, down: int) -> tuple[numpy.ndarray, int, int]:
    """A stamp that reads upwards: what was below its baseline is now at the right of it."""
    return numpy.rot90(pixels, -1), pixels.shape[0] - down, right
