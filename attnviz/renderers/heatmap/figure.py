"""The heat map as a figure: PNG, SVG, PDF.

Everything is placed in inches on the bare figure, without Axes: an Axes with its ticks, and a Text object for each
label, cost many times what they show here. ``TextArtist`` draws all texts in one artist, straight through the backend's
own draw_text, so that text stays text in SVG and PDF.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox, TransformedBbox

from attnviz.renderers.heatmap import fonts
from attnviz.renderers.heatmap.attention_figure import AttentionFigure
from attnviz.renderers.heatmap.attention_figure import save as save
from attnviz.renderers.heatmap.axis_labels import column_texts, row_texts
from attnviz.renderers.heatmap.cell_values import value_style, value_texts
from attnviz.renderers.heatmap.colour_bar import draw_colour_bar
from attnviz.renderers.heatmap.layout import Layout, decide_layout
from attnviz.renderers.heatmap.measures import GAP, NEAR
from attnviz.renderers.heatmap.panel_grid import PanelGrid
from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.heatmap.rows import with_rows
from attnviz.renderers.heatmap.settings import own_settings
from attnviz.renderers.heatmap.shapes import CellImage, hatched, outline
from attnviz.renderers.heatmap.text_artist import PlacedText, TextArtist
from attnviz.renderers.heatmap.title_block import title_texts
from attnviz.renderers.shared.colours import DIVERGING, SEQUENTIAL, colour_map
from attnviz.renderers.shared.scale import Scale


def draw(
    picture: Picture, *, cmap: str | None = None, annotate: bool | None = None, rows: int | None = None
) -> tuple[AttentionFigure, str]:
    """The figure of ``picture``, and the characters for which this machine has no font.

    ``annotate`` writes the values into the cells; None: while they fit. ``rows``: only so many queries have come yet, the
    others are blank, and everything stands where it stands in the whole.
    """
    with own_settings():
        colours, norm = colours_of(picture, cmap), norm_of(picture.scale)
        families, missing = fonts.families(
            [picture.title, picture.subtitle, picture.measure, *picture.queries, *picture.keys]
        )
        layout = decide_layout(picture, families)
        figure = AttentionFigure(layout.size)
        style = value_style(picture, layout.grid.cell, annotate)
        picture = layout.picture if rows is None else with_rows(layout.picture, rows)
        texts = [*title_texts(layout.title, layout.size[1])]
        for number, panel in enumerate(picture.panels):
            corner = layout.corner(number)
            draw_cells(figure, panel.values, corner, layout.grid, colours, norm)
            texts += _panel_texts(picture, layout, number)
            texts += value_texts(panel, layout.grid, corner, style, colours, norm) if style else []
        texts += draw_colour_bar(figure, picture, layout.bar, _corner_of_bar(layout), colours, norm)
        figure.add_artist(TextArtist(texts, families))
    return figure, missing


def colours_of(picture: Picture, cmap: str | None) -> Any:
    """The colour map that a person names, or the one that fits the scale of ``picture``."""
    usual = DIVERGING if picture.scale.diverging else SEQUENTIAL
    return colour_map(usual if cmap is None else cmap)


def norm_of(scale: Scale) -> Normalize:
    """``scale`` as matplotlib says it."""
    if scale.decades:
        return LogNorm(scale.low, scale.high, clip=True)
    return Normalize(scale.low, scale.high) if scale.unit == 1 else _SmallerNumbers(scale)


class _SmallerNumbers(Normalize):
    """Divides the values and the ends of a scale by its unit: where they are huge, their differences would overflow."""

    def __init__(self, scale: Scale) -> None:
        super().__init__(scale.low / scale.unit, scale.high / scale.unit)
        self.unit = scale.unit

    def __call__(self, value: Any, clip: bool | None = None) -> Any:
        return super().__call__(value / self.unit, clip)


def draw_cells(
    figure: Figure, values: numpy.ndarray, corner: tuple[float, float], grid: PanelGrid, colours: Any, norm: Normalize
) -> None:
    """Draw the cells of a map, whose lower left corner stands at ``corner``; −∞ is hidden, and what is no number is left white."""
    (x, y), (width, height) = corner, grid.panel
    box = TransformedBbox(Bbox.from_bounds(x, y, width, height), figure.dpi_scale_trans)
    image = CellImage(box, cmap=colours, norm=norm, origin="upper", interpolation="nearest")
    hidden = values == -math.inf
    image.set_data(numpy.ma.masked_where(hidden | numpy.isnan(values), values))
    figure.add_artist(image)
    if hidden.any():
        figure.add_artist(hatched(figure, values, (x, y + height), grid.pitch))
    figure.add_artist(outline(figure, x, y, width, height))


def _panel_texts(picture: Picture, layout: Layout, number: int) -> Iterator[PlacedText]:
    """The title of a panel, and its labels where no panel at its left or below it has the same."""
    panels, corner = len(picture.panels), layout.corner(number)
    if panels > 1:
        top = corner[1] + layout.grid.panel[1] + NEAR
        yield PlacedText(picture.panels[number].title, corner[0], top, layout.heads.font, across=0, up=0)
    if layout.leftmost(number):
        yield from row_texts(picture, layout.labels, layout.grid, corner)
    if layout.lowest(number, panels):
        yield from column_texts(picture, layout.labels, layout.grid, corner, layout.bottom)


def _corner_of_bar(layout: Layout) -> tuple[float, float]:
    """The upper left corner of the colour bar: at the right of all panels, as high as the uppermost."""
    x, y = layout.corner(layout.grid.columns - 1)
    return x + layout.column + GAP * 1.6, y + layout.grid.panel[1]
