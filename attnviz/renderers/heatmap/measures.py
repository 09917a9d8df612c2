"""What is measured in a picture, in inches and points, and how wide a text is."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from attnviz.renderers.heatmap.settings import missing_glyphs_unspoken

if TYPE_CHECKING:
    from attnviz.renderers.heatmap.picture import Picture

POINT = 1 / 72  # inches
CAPITAL = 0.73  # height of a capital letter of DejaVu Sans, in ems
LEADING = 1.12  # from one label to the next, in ems
SMALLEST_FONT = 5.5  # points: smaller labels are thinned out instead
PRINTED_FONT = 6.0  # points: the same where the width is given in millimetres, and nobody zooms in
GAP = 0.14  # inches between panels, and around the whole
HINTING = 1.1  # how much wider a text may be in few pixels
NEAR = 3.5 * POINT  # between a panel and its labels


@lru_cache
def text_width(texts: tuple[str, ...], families: tuple[str, ...], size: float, bold: bool = False) -> float:
    """The width of the longest of ``texts``, in inches."""
    font = FontProperties(family=list(families), size=size, weight="bold" if bold else "normal")
    renderer = RendererAgg(1, 1, 720)  # ten times a point, so that hinting does not matter
    with missing_glyphs_unspoken():
        return float(max(renderer.get_text_width_height_descent(text, font, False)[0] for text in set(texts)) / 720)


def least_font(picture: Picture) -> float:
    """The smallest font of ``picture``, in points."""
    return SMALLEST_FONT if picture.width is None else PRINTED_FONT
