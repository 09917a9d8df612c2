"""The values written into the cells of a heat map, where they fit or are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy
from matplotlib.colors import Normalize

from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap.measures import POINT, PRINTED_FONT, SMALLEST_FONT, least_font
from attnviz.renderers.heatmap.panel_grid import PanelGrid
from attnviz.renderers.heatmap.picture import Panel, Picture
from attnviz.renderers.heatmap.text_artist import PlacedText

LARGEST_FONT = 10.0  # points; values smaller than any other text are left out
DIGIT = 0.62  # ems: the width of a digit
FILLED = 0.82  # of a cell's width that its value may take
LEAST_CELL = 3 * DIGIT / FILLED * SMALLEST_FONT * POINT  # inches: three digits of that size fit into no smaller one
DARK = 0.18  # luminance: below it, white is easier to read than black (WCAG 2.1)


class ValueStyle(NamedTuple):
    """How the values in the cells are written, alike in all panels: their format, and their font in points."""

    form: str
    font: float


def value_style(picture: Picture, cell: float, annotate: bool | None) -> ValueStyle | None:
    """How values are written into cells of that size; None: they are not. ``annotate`` None means: while they fit."""
    if annotate is False or (annotate is None and cell < LEAST_CELL):
        return None
    largest = max(abs(picture.scale.low), picture.scale.high)
    form = "z.2f" if 0.1 <= largest < 100 or not largest else ".2g"  # two decimals where they say something
    values = (value for panel in picture.panels for value in panel.values.flat if value > -math.inf)
    longest = max((len(f"{value:{form}}") for value in values), default=1)
    font = min(cell / POINT * FILLED / (longest * DIGIT), LARGEST_FONT)
    if annotate and picture.width is not None and font < PRINTED_FONT:
        raise AttnvizError(
            "the values in the cells would have {font:.1f} points at this width: {least:g} is the least that can be read",
            "leave out --annotate, give a larger --width, or choose fewer tokens with --query A:B --key C:D",
            font=font,
            least=PRINTED_FONT,
        )
    return None if annotate is None and font < least_font(picture) else ValueStyle(form, font)


def value_texts(
    panel: Panel, grid: PanelGrid, corner: tuple[float, float], style: ValueStyle, colours: Any, norm: Normalize
) -> Iterator[PlacedText]:
    """The values of ``panel``, whose lower left corner stands at ``corner``, each black or white on its colour."""
    (x, y), high = corner, grid.panel[1]
    shades = colours(norm(panel.values))[..., :3] ** 2.2 @ numpy.array([0.2126, 0.7152, 0.0722])  # luminance, WCAG 2.1
    for (row, column), value in numpy.ndenumerate(panel.values):
        if value > -math.inf:
            at = x + (column + 0.5) * grid.pitch[0], y + high - (row + 0.5) * grid.pitch[1]
            colour = "white" if shades[row, column] < DARK else "black"
            yield PlacedText(f"{value:{style.form}}", *at, style.font, colour=colour)
