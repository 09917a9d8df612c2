"""A chain of maps as a figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
from matplotlib.figure import Figure
from matplotlib.image import BboxImage
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Bbox, TransformedBbox

from attnviz.renderers.heatmap import fonts
from attnviz.renderers.heatmap.attention_figure import AttentionFigure
from attnviz.renderers.heatmap.axis_labels import column_texts, row_texts
from attnviz.renderers.heatmap.cell_values import value_style, value_texts
from attnviz.renderers.heatmap.chain import Between, Chain
from attnviz.renderers.heatmap.chain_layout import BAR, ChainLayout, bar_ends, chain_layout, over_the_sign
from attnviz.renderers.heatmap.figure import colours_of, draw_cells, norm_of
from attnviz.renderers.heatmap.measures import POINT, PRINTED_FONT
from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.heatmap.settings import own_settings
from attnviz.renderers.heatmap.shapes import outline
from attnviz.renderers.heatmap.text_artist import INK, PALE, PlacedText, TextArtist
from attnviz.renderers.heatmap.title_block import title_texts

SHADES = 256
LINE = 1.4  # points: how thick an arrow is


def draw_chain(
    chain: Chain, *, cmap: str | None = None, annotate: bool | None = None, shown: int | None = None
) -> tuple[AttentionFigure, str]:
    """The figure of ``chain``, and the characters for which this machine has no font; of its maps only the first ``shown``."""
    with own_settings():
        families, missing = fonts.families(chain.texts)
        layout = chain_layout(chain, families)
        figure = AttentionFigure(layout.size)
        texts = [*title_texts(layout.title, layout.size[1])]
        for number, picture in enumerate(chain.maps[:shown]):
            if number:
                texts += _draw_between(figure, chain.between[number - 1], layout, number - 1)
            texts += _draw_map(figure, picture, layout, number, cmap, annotate)
        figure.add_artist(TextArtist(texts, families))
    return figure, missing


def _draw_map(
    figure: Figure, picture: Picture, layout: ChainLayout, number: int, cmap: str | None, annotate: bool | None
) -> Iterator[PlacedText]:
    """Draw a map with its bar; what comes back are its texts."""
    grid, labels, corner = layout.grids[number], layout.labels[number], (layout.lefts[number], layout.bottom)
    colours, norm = colours_of(picture, cmap), norm_of(picture.scale)
    [panel] = picture.panels
    draw_cells(figure, panel.values, corner, grid, colours, norm)
    (x, y), (wide, high) = corner, grid.panel
    font = layout.fonts[0]
    yield PlacedText(picture.title, x + wide / 2, y + high + font * 0.6 * POINT, font, up=0, bold=True)
    if number == 0:
        yield from row_texts(picture, labels, grid, corner)
    yield from column_texts(picture, labels, grid, corner, labels.bottom)
    style = value_style(picture, min(grid.pitch), annotate)
    if style is not None:
        yield from value_texts(panel, grid, corner, style, colours, norm)
    yield from _draw_bar(figure, picture, layout, number, colours, norm)


def _draw_bar(
    figure: Figure, picture: Picture, layout: ChainLayout, number: int, colours: Any, norm: Any
) -> Iterator[PlacedText]:
    """The colours of a map below it, from their first value to their last, and what they measure."""
    x, y, wide, scale = layout.lefts[number], layout.bars, layout.grids[number].panel[0], picture.scale
    high, font = BAR * layout.size[0] / 12.8, layout.fonts[2]
    bounds = TransformedBbox(Bbox.from_bounds(x, y, wide, high), figure.dpi_scale_trans)
    image = BboxImage(bounds, cmap=colours, norm=norm, origin="lower", interpolation="nearest")
    shades = numpy.geomspace if scale.decades else numpy.linspace
    image.set_data(shades(scale.low, scale.high, SHADES)[None, :])
    figure.add_artist(image)
    figure.add_artist(outline(figure, x, y, wide, high))
    line = y - font * 0.35 * POINT
    first, last = bar_ends(scale)
    yield PlacedText(first, x, line, font, across=0, up=1, colour=PALE)
    yield PlacedText(last, x + wide, line, font, across=1, up=1, colour=PALE)
    yield PlacedText(picture.measure, x + wide / 2, line - font * 1.15 * POINT, font, up=1, colour=PALE)


def _draw_between(figure: Figure, between: Between, layout: ChainLayout, number: int) -> Iterator[PlacedText]:
    """What leads from a map to the next: an arrow or a sign, in the middle of their height."""
    x, y, font = layout.middles[number], layout.bottom + layout.grids[0].panel[1] / 2, layout.fonts[1]
    away = over_the_sign(font)
    if between.sign == "→":
        _draw_arrow(figure, x - layout.arrow / 2, x + layout.arrow / 2, y)
    else:
        yield PlacedText(between.sign, x, y, font * 1.8, bold=True)
        away *= 2
    if between.above:
        yield PlacedText(between.above, x, y + away, font, up=0, colour=INK)
    if between.below:
        yield PlacedText(between.below, x, y - away, max(font * 0.85, PRINTED_FONT), up=1, colour=PALE)


def _draw_arrow(figure: Figure, start: float, end: float, y: float) -> None:
    head = (end - start) * 0.22
    place = figure.dpi_scale_trans
    line = Path([(start, y), (end - head, y)])
    point = Path(
        [(end, y), (end - head * 1.4, y + head * 0.7), (end - head * 1.4, y - head * 0.7), (end, y)], closed=True
    )
    figure.add_artist(PathPatch(line, fill=False, edgecolor=INK, linewidth=LINE, transform=place))
    figure.add_artist(PathPatch(point, facecolor=INK, linewidth=0, transform=place))
