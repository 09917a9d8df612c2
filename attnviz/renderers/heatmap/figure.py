"""The heat map as a figure: PNG, SVG, PDF.

Everything is placed in inches on the bare figure, without Axes: an Axes with its ticks, and a Text object for each
label, cost many times what they show here. ``Words`` draws all labels in one artist, straight through the backend's own
draw_text, so that text stays text in SVG and PDF.
"""

from __future__ import annotations

import io
import math
from typing import Any

import numpy
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import BboxImage
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Bbox, TransformedBbox

from attnviz.choices import DPI, LARGE_DPI
from attnviz.renderers.heatmap import fonts
from attnviz.renderers.heatmap.layout import BOTH_AXES, GAP, LEADING, LINE, NEAR, SUBTITLE, TIP, Layout, layout, ticks
from attnviz.renderers.heatmap.picture import Panel, Picture
from attnviz.renderers.heatmap.text_artist import INK, PALE, POINT, Word, Words, missing_glyphs_unspoken, own_settings
from attnviz.renderers.shared.colours import DIVERGING, SEQUENTIAL, colour_map
from attnviz.renderers.shared.scale import Scale, beyond

HIDDEN_LINES = "#b8b8b8"
VALUE_FONT = 5.5  # points: smaller values are left out
LEAST_VALUE_CELL = 3 * 0.62 / 0.82 * VALUE_FONT * POINT  # inches: three digits of that size fit into no smaller one
LARGE = 13.0  # inches


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


def draw(picture: Picture, *, cmap: str | None = None, annotate: bool | None = None) -> tuple[Figure, str]:
    """The figure of ``picture``, and the characters for which this machine has no font.

    ``annotate`` writes the values into the cells; None: while they fit.
    """
    with own_settings():
        colours = colour_map(cmap or (DIVERGING if picture.scale.diverging else SEQUENTIAL))
        norm = _norm(picture.scale)
        families, missing = fonts.families([picture.title, picture.subtitle, *picture.queries, *picture.keys])
        place = layout(picture, families)
        figure = Figure(figsize=place.size, facecolor="white")
        FigureCanvasAgg(figure)
        words, look = _titles(place), _value_look(picture, place, annotate)
        for number, panel in enumerate(picture.panels):
            _draw_panel(figure, panel, place, number, colours, norm)
            words += _panel_words(picture, place, number)
            words += _values(panel, place, number, colours, norm, look) if look else []
        words += _colour_bar(figure, picture, place, colours, norm)
        figure.add_artist(Words(words, families))
    return figure, missing


def _norm(scale: Scale) -> Normalize:
    """``scale`` as matplotlib says it."""
    if scale.decades:
        return LogNorm(scale.low, scale.high, clip=True)
    return Normalize(scale.low, scale.high)


def save(figure: Figure, form: str, dpi: int | None = None) -> bytes:
    """The bytes of ``figure`` as "png", "svg" or "pdf": the same for the same input, whenever they are made.

    ``dpi`` is of a PNG; None: fewer where the figure is so large that the usual ones would only make a heavy file.
    """
    dpi = dpi or (DPI if figure.get_figwidth() <= LARGE else LARGE_DPI)
    metadata: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    # Text stays text (selectable, searchable); ids come from the content, not from chance.
    settings = {"svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "attnviz"}
    options: dict[str, Any] = {"pil_kwargs": {"compress_level": 1}} if form == "png" else {}
    content = io.BytesIO()
    with own_settings(**settings), missing_glyphs_unspoken():
        figure.savefig(content, format=form, dpi=dpi, metadata=metadata[form], **options)
    return content.getvalue()


def _draw_panel(figure: Figure, panel: Panel, place: Layout, number: int, colours: Any, norm: Normalize) -> None:
    (x, y), (width, height) = place.corner(number), place.panel
    box = TransformedBbox(Bbox.from_bounds(x, y, width, height), figure.dpi_scale_trans)
    image = CellImage(box, cmap=colours, norm=norm, origin="upper", interpolation="nearest")
    image.set_data(numpy.ma.masked_where(panel.values == -math.inf, panel.values))
    figure.add_artist(image)
    if (panel.values == -math.inf).any():
        figure.add_artist(_hatched(figure, _hidden_cells(panel.values, x, y + height, *place.pitch)))
    frame = Rectangle(
        (x, y), width, height, fill=False, edgecolor=PALE, linewidth=0.6, transform=figure.dpi_scale_trans
    )
    figure.add_artist(frame)


def _hatched(figure: Figure, path: Path) -> PathPatch:
    """Hidden cells: white, with thin lines across, which no colour map has."""
    return PathPatch(
        path,
        facecolor="white",
        edgecolor=HIDDEN_LINES,
        hatch="////",
        hatch_linewidth=0.4,
        linewidth=0,
        transform=figure.dpi_scale_trans,
    )


def _hidden_cells(values: numpy.ndarray, left: float, top: float, wide: float, high: float) -> Path:
    """The outline of the hidden cells: in each row a rectangle for each run of them."""
    hidden = numpy.pad((values == -math.inf).astype(numpy.int8), ((0, 0), (1, 1)))
    steps = numpy.diff(hidden, axis=1)
    rows, starts = numpy.nonzero(steps == 1)
    ends = numpy.nonzero(steps == -1)[1]
    x0, x1 = left + starts * wide, left + ends * wide
    y1, y0 = top - rows * high, top - (rows + 1) * high
    corners = numpy.stack([x0, y0, x1, y0, x1, y1, x0, y1, x0, y0], axis=1).reshape(-1, 2)
    codes = numpy.tile([Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY], len(rows))
    return Path(corners, codes)


def _titles(place: Layout) -> list[Word]:
    size, y = place.title_font, place.size[1] - GAP
    words = []
    y -= size * POINT
    for line in place.titles:
        words.append(Word(line, GAP, y, size, across=0, up=0, bold=True))
        y -= size * LINE * POINT
    for line in place.subtitles:
        words.append(Word(line, GAP, y, size * SUBTITLE, across=0, up=0, colour=PALE))
        y -= size * SUBTITLE * LINE * POINT
    return words


def _panel_words(picture: Picture, place: Layout, number: int) -> list[Word]:
    """The title of a panel, and its token labels where no panel to its left or below has the same."""
    (x, y), (width, height) = place.corner(number), place.panel
    words = []
    if len(picture.panels) > 1:
        words.append(Word(picture.panels[number].title, x, y + height + NEAR, place.head_font, across=0, up=0))
    every = 1 if picture.pooled else max(1, math.ceil(place.font * LEADING * POINT / place.cell))
    if number % place.columns == 0:
        near = x - NEAR
        words += [
            Word(picture.queries[row], near, y + height - (row + 0.5) * place.pitch[1], place.font, across=1)
            for row in range(0, len(picture.queries), every)
        ]
        beside = x - place.beyond_labels[0]
        words += [
            Word(label, beside, y + height - (row + 0.5) * place.pitch[1], place.font, across=1, colour=PALE)
            for row, label in enumerate(place.places[0])
            if label
        ]
        if place.names_query:
            words.append(Word(picture.axes[0], GAP, y + height / 2, place.axis_font, up=1, colour=PALE, upright=True))
    if number + place.columns >= len(picture.panels):
        if not place.upright:
            every = 1
        shown = [(column, picture.keys[column], y - NEAR, INK) for column in range(0, len(picture.keys), every)]
        shown += [
            (column, label, y - place.beyond_labels[1], PALE) for column, label in enumerate(place.places[1]) if label
        ]
        across, up = (1.0, 0.5) if place.upright else (0.5, 1.0)
        for column, label, below, colour in shown:
            at = x + (column + 0.5) * place.pitch[0]
            words.append(Word(label, at, below, place.font, across, up, colour, place.upright))
        words.append(
            Word(
                picture.axes[1] if place.names_query else BOTH_AXES.format(*picture.axes),
                x + width / 2,
                y - place.bottom + GAP + 0.2 * place.axis_font * POINT,
                place.axis_font,
                up=0,
                colour=PALE,
            )
        )
    return words


def _value_look(picture: Picture, place: Layout, annotate: bool | None) -> tuple[str, float] | None:
    """The format and the font of the values in the cells, alike in all panels; None: they are not written."""
    if annotate is False or (annotate is None and place.cell < LEAST_VALUE_CELL):
        return None
    largest = max(abs(picture.scale.low), picture.scale.high)
    form = "z.2f" if 0.1 <= largest < 100 or not largest else ".2g"  # two decimals where they say something
    values = (value for panel in picture.panels for value in panel.values.flat if value > -math.inf)
    longest = max((len(f"{value:{form}}") for value in values), default=1)
    font = min(place.cell / POINT * 0.82 / (longest * 0.62), 10.0)
    return None if annotate is None and font < VALUE_FONT else (form, font)


def _values(
    panel: Panel, place: Layout, number: int, colours: Any, norm: Normalize, look: tuple[str, float]
) -> list[Word]:
    form, font = look
    (x, y), (_, height) = place.corner(number), place.panel
    shades = colours(norm(panel.values))[..., :3] ** 2.2 @ numpy.array([0.2126, 0.7152, 0.0722])  # luminance, WCAG 2.1
    words = []
    for (row, column), value in numpy.ndenumerate(panel.values):
        if value > -math.inf:
            at = x + (column + 0.5) * place.pitch[0], y + height - (row + 0.5) * place.pitch[1]
            words.append(Word(f"{value:{form}}", *at, font, colour="white" if shades[row, column] < 0.18 else "black"))
    return words


def _colour_bar(figure: Figure, picture: Picture, place: Layout, colours: Any, norm: Normalize) -> list[Word]:
    """One bar beside all panels, as high as all of them, with the hidden cells' pattern below it."""
    last, top = place.corner(place.columns - 1)
    size, thick = place.bar_font, place.bar_width
    x, top = last + place.wide + GAP * 1.6, top + place.panel[1]
    scale = picture.scale
    hidden = size * 2.2 * POINT if picture.hidden else 0.0
    below = hidden + (thick * TIP if scale.below else 0.0)
    above = thick * TIP if scale.above else 0.0
    y = top - place.bar_height + below
    high = place.bar_height - below - above
    box = TransformedBbox(Bbox.from_bounds(x, y, thick, high), figure.dpi_scale_trans)
    image = BboxImage(box, cmap=colours, norm=norm, origin="lower", interpolation="nearest")
    spaced = numpy.geomspace if scale.decades else numpy.linspace
    image.set_data(spaced(scale.low, scale.high, 256)[:, None])
    figure.add_artist(image)
    figure.add_artist(
        Rectangle((x, y), thick, high, fill=False, edgecolor=PALE, linewidth=0.6, transform=figure.dpi_scale_trans)
    )
    words = []
    for tick in ticks(scale, most=max(2, int(high / (size * 2.4 * POINT)))):
        at = y + high * float(norm(tick))
        words.append(Word(f"{tick:z.6g}", x + thick + NEAR, at, size, across=0))
    for end, toward, there, colour, value in (
        (y + high, thick * 0.8, scale.above, colours(norm(scale.high)), scale.largest),
        (y, -thick * 0.8, scale.below, colours(norm(scale.low)), scale.least),
    ):
        if there:
            tip = Path([(x, end), (x + thick, end), (x + thick / 2, end + toward), (x, end)])
            figure.add_artist(
                PathPatch(tip, facecolor=colour, edgecolor=PALE, linewidth=0.6, transform=figure.dpi_scale_trans)
            )
            words.append(Word(beyond(value), x + thick + NEAR, end + toward, size, across=0))
    if picture.hidden:
        side = size * 1.1 * POINT
        cell = numpy.array([[-math.inf]])
        figure.add_artist(_hatched(figure, _hidden_cells(cell, x + (thick - side) / 2, y - below + side, side, side)))
        outline = Rectangle(
            (x + (thick - side) / 2, y - below),
            side,
            side,
            fill=False,
            edgecolor=PALE,
            linewidth=0.6,
            transform=figure.dpi_scale_trans,
        )
        figure.add_artist(outline)
        words.append(Word(picture.blank, x + thick + NEAR, y - below + side / 2, size, across=0))
    return words
