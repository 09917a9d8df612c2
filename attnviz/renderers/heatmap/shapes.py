"""What a heat map is drawn with: cells, hatched cells, outlines, shapes, all placed in inches."""

from __future__ import annotations

import math
from typing import Any

import numpy
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.image import BboxImage
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Transform

from attnviz.renderers.heatmap.text_artist import PALE

HIDDEN_LINES = "#b8b8b8"
THIN = 0.6  # points


class CellImage(BboxImage):
    """A map of cells. In PNG each cell is a plain block of pixels, which need no resampling."""

    def draw(self, renderer: Any) -> None:
        if not isinstance(renderer, RendererAgg):
            super().draw(renderer)
            return
        box = self.get_window_extent(renderer)
        x, y = round(box.x0), round(box.y0)
        width, height = round(box.x1) - x, round(box.y1) - y
        cells = self.to_rgba(self.get_array(), bytes=True)  # type: ignore[arg-type]  # (rows, columns, 4)
        rows = (numpy.arange(height)[::-1] + 0.5) * len(cells) / height  # draw_image counts rows from below
        columns = (numpy.arange(width) + 0.5) * cells.shape[1] / width
        gc = renderer.new_gc()
        colours = cells.view(numpy.uint32)[..., 0]  # (rows, columns): the four channels as one number
        pixels = colours.take(rows.astype(int), axis=0).take(columns.astype(int), axis=1)
        renderer.draw_image(gc, x, y, pixels.view(numpy.uint8).reshape(height, width, 4))
        gc.restore()


def hatched(
    figure: Figure, values: numpy.ndarray, corner: tuple[float, float], pitch: tuple[float, float]
) -> PathPatch:
    """The hidden cells of ``values``, whose upper left corner is ``corner``, in inches."""
    return hidden_cells(values, corner, pitch, figure.dpi_scale_trans)


def hidden_cells(
    values: numpy.ndarray, corner: tuple[float, float], pitch: tuple[float, float], transform: Transform
) -> PathPatch:
    """The same in the units of ``transform``: white, with thin lines across, which no colour map has."""
    return PathPatch(
        _outline_of_hidden(values, corner, pitch),
        facecolor="white",
        edgecolor=HIDDEN_LINES,
        hatch="////",
        hatch_linewidth=0.4,
        linewidth=0,
        transform=transform,
    )


def outline(figure: Figure, x: float, y: float, width: float, height: float) -> Rectangle:
    """A thin frame."""
    return Rectangle(
        (x, y), width, height, fill=False, edgecolor=PALE, linewidth=THIN, transform=figure.dpi_scale_trans
    )


def shape(figure: Figure, path: Path, colour: Any) -> PathPatch:
    """``path`` filled with ``colour``, in a thin frame."""
    return PathPatch(path, facecolor=colour, edgecolor=PALE, linewidth=THIN, transform=figure.dpi_scale_trans)


def _outline_of_hidden(values: numpy.ndarray, corner: tuple[float, float], pitch: tuple[float, float]) -> Path:
    """In each row a rectangle for each run of hidden cells."""
    (left, top), (wide, high) = corner, pitch
    hidden = numpy.pad((values == -math.inf).astype(numpy.int8), ((0, 0), (1, 1)))
    steps = numpy.diff(hidden, axis=1)
    rows, starts = numpy.nonzero(steps == 1)
    ends = numpy.nonzero(steps == -1)[1]
    x0, x1 = left + starts * wide, left + ends * wide
    y1, y0 = top - rows * high, top - (rows + 1) * high
    corners = numpy.stack([x0, y0, x1, y0, x1, y1, x0, y1, x0, y0], axis=1).reshape(-1, 2)
    codes = numpy.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(rows))
    return Path(corners, codes)
