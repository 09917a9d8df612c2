"""Maps drawn into Axes of a person's own figure, by that figure's own settings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import matplotlib
import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap import fonts
from attnviz.renderers.heatmap.cell_values import value_style, value_texts
from attnviz.renderers.heatmap.chain import Chain
from attnviz.renderers.heatmap.figure import colours_of, norm_of
from attnviz.renderers.heatmap.measures import LEADING, POINT, text_width
from attnviz.renderers.heatmap.panel_grid import PanelGrid
from attnviz.renderers.heatmap.picture import Panel, Picture
from attnviz.renderers.heatmap.shapes import hidden_cells


def draw_in_axes(
    picture: Picture | Chain, axes: Any, *, cmap: str | None = None, annotate: bool | None = None
) -> Figure:
    """Draw each map of ``picture`` into one of ``axes``, and return their figure, which ``figure.colorbar(axes.images[0])``
    takes further.

    ``annotate`` as of ``figure.draw``. AttnvizError where there are not as many Axes as maps.
    """
    maps = [(one, panel) for one in picture.maps for panel in one.panels]
    given = list(_axes(axes))
    if len(given) != len(maps):
        raise AttnvizError(
            "there are {maps} maps and {given} axes: each map takes one",
            "choose heads with head=, or give an array of axes",
            maps=len(maps),
            given=len(given),
        )
    for place, (one, panel) in zip(given, maps, strict=True):
        _draw_map(place, one, panel, cmap, annotate, title=panel.title if len(maps) > 1 else picture.title)
    figure = given[0].get_figure(root=True)
    assert figure is not None
    return figure


def _axes(given: Any) -> Iterator[Axes]:
    """All Axes in ``given``: one, or an array or a list of any depth."""
    if isinstance(given, Axes):
        yield given
    elif isinstance(given, Iterable) and not isinstance(given, str):
        for one in given:
            yield from _axes(one)
    else:
        raise AttnvizError(
            "axes holds {kind}: expected Axes of matplotlib, such as plt.subplots() gives", kind=type(given).__name__
        )


def _draw_map(axes: Axes, picture: Picture, panel: Panel, cmap: str | None, annotate: bool | None, title: str) -> None:
    colours, norm, values = colours_of(picture, cmap), norm_of(picture.scale), panel.values
    hidden = values == -math.inf
    shown = numpy.ma.masked_where(hidden | numpy.isnan(values), values)
    axes.imshow(shown, cmap=colours, norm=norm, origin="upper", interpolation="nearest")
    if hidden.any():
        axes.add_patch(_hidden(axes, values))
    families, _ = fonts.families([title, *picture.axes, *picture.queries, *picture.keys])
    family = [*matplotlib.rcParams["font.family"], *families]
    axes.set_title(_literal(title), fontfamily=family)
    axes.set_ylabel(_literal(picture.axes[0]), fontfamily=family)
    axes.set_xlabel(_literal(picture.axes[1]), fontfamily=family)
    cell = _label(axes, picture, values.shape, family)
    _annotate(axes, picture, panel, colours, norm, cell, annotate)


def _hidden(axes: Axes, values: numpy.ndarray) -> PathPatch:
    """The hidden cells, hatched: the first cell has its middle at 0, and rows are counted downwards."""
    return hidden_cells(values, (-0.5, -0.5), (1.0, -1.0), axes.transData)


def _label(axes: Axes, picture: Picture, shape: tuple[int, ...], family: Sequence[str]) -> float:
    """Name the rows and the columns, as many as have room; the inches of a cell."""
    rows, columns = shape
    box = axes.get_window_extent()
    inches = axes.get_figure(root=True).dpi  # type: ignore[union-attr]
    high, wide = box.height / inches / rows, box.width / inches / columns
    cell = min(high, wide)  # imshow keeps cells square
    font = matplotlib.font_manager.FontProperties(size=matplotlib.rcParams["xtick.labelsize"]).get_size_in_points()
    upright = text_width(picture.keys, tuple(family), font) > cell and not picture.pooled
    every = 1 if picture.pooled else max(1, math.ceil(font * LEADING * POINT / cell))
    axes.set_yticks(*_ticks(picture.queries, every), fontfamily=family)
    axes.set_xticks(*_ticks(picture.keys, every if upright else 1), rotation=90 if upright else 0, fontfamily=family)
    return cell


def _ticks(labels: Sequence[str], every: int) -> tuple[list[int], list[str]]:
    """Places that have a label, and these; of pooled cells only some have one."""
    places = [place for place in range(0, len(labels), every) if labels[place]]
    return places, [_literal(labels[place]) for place in places]


def _annotate(
    axes: Axes, picture: Picture, panel: Panel, colours: Any, norm: Any, cell: float, annotate: bool | None
) -> None:
    """Write the values into the cells, while they fit or are asked for."""
    style = value_style(picture, cell, annotate)
    if style is None:
        return
    rows, columns = panel.values.shape
    grid = PanelGrid(cell=1.0, columns=1, rows=1, panel=(float(columns), float(rows)), pitch=(1.0, 1.0))
    for text in value_texts(panel, grid, (-0.5, -0.5), style, colours, norm):
        axes.text(text.x, rows - 1 - text.y, text.text, size=text.size, color=text.colour, ha="center", va="center")


def _literal(text: str) -> str:
    """``text`` for matplotlib, which otherwise reads formulas between dollars."""
    return text.replace("$", r"\$")
