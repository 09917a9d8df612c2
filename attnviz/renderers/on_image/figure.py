"""The picture with weights over it as a figure: PNG, SVG, PDF. Everything stands in inches, as in a heat map."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy
from matplotlib.figure import Figure
from matplotlib.image import BboxImage
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Bbox, TransformedBbox

from attnviz.choices import DPI
from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap import fonts
from attnviz.renderers.heatmap.attention_figure import AttentionFigure
from attnviz.renderers.heatmap.colour_bar import ColourBar, colour_bar, draw_colour_bar
from attnviz.renderers.heatmap.figure import colours_of, norm_of
from attnviz.renderers.heatmap.measures import GAP, NEAR, POINT, least_font, text_width
from attnviz.renderers.heatmap.panel_grid import columns_of
from attnviz.renderers.heatmap.picture import MILLIMETRES
from attnviz.renderers.heatmap.settings import own_settings
from attnviz.renderers.heatmap.shapes import outline
from attnviz.renderers.heatmap.text_artist import PlacedText, TextArtist
from attnviz.renderers.heatmap.title_block import TitleBlock, title_block, title_texts
from attnviz.renderers.on_image.contour import contour
from attnviz.renderers.on_image.decided import OnImage
from attnviz.renderers.on_image.raster import resized, tinted, weight_map

SIDES = (
    (1, 5.2),
    (2, 4.2),
    (4, 3.4),
    (9, 2.7),
    (10_000, 2.1),
)  # inches of the longer side of a panel, of up to so many
LEAST_PANEL = 0.5  # inches
TITLE, LEAST_TITLE = 14.0, 11.0  # points
MARK = "#ff7f0e"  # of the query's own patch: no colour of the usual maps
LINES = ("solid", (0, (4, 2.2)))  # of the contours


class Layout(NamedTuple):
    """Lengths in inches; a panel is ``panel``, and there are so many ``columns`` and ``rows`` of them, the first of the bare
    picture; ``head`` is the room above each, and its title has ``font``."""

    panel: tuple[float, float]
    columns: int
    rows: int
    head: float
    font: float
    bar: ColourBar
    title: TitleBlock
    size: tuple[float, float]
    needed: float  # width of the panels and the bar together

    def corner(self, number: int) -> tuple[float, float]:
        """The lower left corner of panel ``number``."""
        row, column = divmod(number, self.columns)
        return (
            GAP + column * (self.panel[0] + GAP),
            GAP + (self.rows - 1 - row) * (self.panel[1] + self.head + GAP),
        )


def draw(picture: OnImage, *, cmap: str | None = None) -> tuple[AttentionFigure, str]:
    """The figure of ``picture``, and the characters for which this machine has no font."""
    frame = picture.frame
    with own_settings():
        colours, norm = colours_of(frame, cmap), norm_of(frame.scale)
        families, missing = fonts.families([frame.title, frame.subtitle, frame.measure])
        layout = _layout(picture, families)
        figure = AttentionFigure(layout.size)
        texts = [*title_texts(layout.title, layout.size[1])]
        pixels = int(max(layout.panel) * (picture.dpi or DPI))
        base = resized(picture.image, pixels)
        _draw_image(figure, base, layout.corner(0), layout.panel)
        for number, panel in enumerate(frame.panels):
            corner = layout.corner(number + 1)
            values = weight_map(picture, number, base.shape[:2])
            _draw_image(figure, tinted(base, values, colours, norm, picture.overlay.opacity), corner, layout.panel)
            _draw_contours(figure, picture, values, corner, layout.panel)
            _mark(figure, picture, number, corner, layout.panel)
            if len(frame.panels) > 1:
                texts.append(_headline(panel.title, corner, layout))
        _mark(figure, picture, 0, layout.corner(0), layout.panel)
        x, y = layout.corner(layout.columns - 1)
        place = x + layout.panel[0] + GAP * 1.6, y + layout.panel[1]
        texts += draw_colour_bar(figure, frame, layout.bar, place, colours, norm)
        artist = TextArtist(texts, families)
        artist.set_zorder(10)
        figure.add_artist(artist)
    return figure, missing


def _headline(title: str, corner: tuple[float, float], layout: Layout) -> PlacedText:
    return PlacedText(title, corner[0], corner[1] + layout.panel[1] + NEAR, layout.font, across=0, up=0)


def _layout(picture: OnImage, families: tuple[str, ...]) -> Layout:
    """Where everything stands: as large as is usual for so many panels, or as the width that is asked for allows."""
    width, count = picture.frame.width, len(picture.panels) + 1
    ratio = picture.image.height / picture.image.width
    columns = columns_of(count, ratio) if count > 2 else count
    side = next(side for most, side in SIDES if count - 1 <= most)
    across = side / max(1.0, ratio)
    layout = _laid_out(picture, (across, across * ratio), columns, families)
    if width is None:
        return layout
    while columns >= 1:
        room = width - (layout.needed - columns * layout.panel[0])
        across = room / columns
        if across >= LEAST_PANEL:
            return _laid_out(picture, (across, across * ratio), columns, families)
        columns -= 1
        layout = _laid_out(picture, (across, across * ratio), max(columns, 1), families)
    raise AttnvizError(
        "the picture does not fit into {width:g} mm",
        "give it a larger --width, or fewer heads with --head",
        width=width * MILLIMETRES,
    )


def _laid_out(picture: OnImage, panel: tuple[float, float], columns: int, families: tuple[str, ...]) -> Layout:
    frame = picture.frame
    rows = math.ceil((len(frame.panels) + 1) / columns)
    size = (
        max(min(TITLE, columns * panel[0] * 2.2), LEAST_TITLE)
        if frame.width is None
        else max(8.6, min(TITLE, frame.width * 2))
    )
    titles = tuple(one.title for one in frame.panels)
    widest = text_width(titles, families, 10.0) / 10.0 if titles else 1.0
    font = max(min(size * 0.72, 0.97 * panel[0] / widest), least_font(frame))
    head = (font + 5) * POINT if len(titles) > 1 else 0.0
    height = rows * (panel[1] + head) + (rows - 1) * GAP
    bar = colour_bar(frame, max(size * 0.6, least_font(frame)), height - head, families)
    across = GAP + columns * (panel[0] + GAP) - GAP + bar.room
    title = title_block(frame, size, across - 2 * GAP, families)
    wide = max(across, title.width + 2 * GAP) if frame.width is None else frame.width
    below = max(0.0, bar.height - (height - head))
    return Layout(panel, columns, rows, head, font, bar, title, (wide, GAP + height + below + title.height), across)


def _draw_image(figure: Figure, pixels: numpy.ndarray, corner: tuple[float, float], panel: tuple[float, float]) -> None:
    box = TransformedBbox(Bbox.from_bounds(*corner, *panel), figure.dpi_scale_trans)
    image = BboxImage(box, origin="upper", interpolation="antialiased", interpolation_stage="rgba")
    image.set_data(pixels)
    figure.add_artist(image)
    figure.add_artist(outline(figure, *corner, *panel))


def _draw_contours(
    figure: Figure, picture: OnImage, values: numpy.ndarray, corner: tuple[float, float], panel: tuple[float, float]
) -> None:
    for share, style in zip(picture.overlay.contours, LINES, strict=False):
        for line in contour(values, share):
            path = Path(
                numpy.stack([corner[0] + line[:, 0] * panel[0], corner[1] + (1 - line[:, 1]) * panel[1]], axis=1)
            )
            for colour, width in (("black", 2.6), ("white", 1.3)):
                figure.add_artist(_stroke(figure, path, colour, width, style))


def _stroke(figure: Figure, path: Path, colour: str, width: float, style: Any) -> PathPatch:
    return PathPatch(
        path, fill=False, edgecolor=colour, linewidth=width, linestyle=style, transform=figure.dpi_scale_trans, zorder=4
    )


def _mark(
    figure: Figure, picture: OnImage, number: int, corner: tuple[float, float], panel: tuple[float, float]
) -> None:
    """A frame around the patch of the query."""
    for box in _boxes_in_inches(picture, number, corner, panel):
        for colour, width in (("white", 3.0), (MARK, 1.6)):
            figure.add_artist(
                Rectangle(
                    *box, fill=False, edgecolor=colour, linewidth=width, transform=figure.dpi_scale_trans, zorder=5
                )
            )


def _boxes_in_inches(
    picture: OnImage, number: int, corner: tuple[float, float], panel: tuple[float, float]
) -> Iterator[tuple[tuple[float, float], float, float]]:
    """The lower left corner, the width and the height of each box that is marked."""
    across, down = panel[0] / picture.image.width, panel[1] / picture.image.height
    for left, top, right, bottom in picture.marked[number].astype(float):
        yield (
            (corner[0] + left * across, corner[1] + panel[1] - bottom * down),
            (right - left) * across,
            (bottom - top) * down,
        )
