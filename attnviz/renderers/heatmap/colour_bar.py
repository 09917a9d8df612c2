"""The colour bar: one beside all panels, with what lies beyond its ends, and the pattern of hidden cells below it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import BboxImage
from matplotlib.path import Path
from matplotlib.transforms import Bbox, TransformedBbox

from attnviz.renderers.heatmap.measures import CAPITAL, GAP, HINTING, LEADING, NEAR, POINT, text_width
from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.heatmap.shapes import hatched, outline, shape
from attnviz.renderers.heatmap.text_artist import PALE, PlacedText
from attnviz.renderers.heatmap.ticks import ticks
from attnviz.renderers.shared.scale import Scale, beyond

LEAST_HEIGHT = 0.9  # inches, the tips not counted
TIP = 1.2  # widths of the bar: the height of the tip that says that there is more
TICK_ROOM = 2.4  # ems between ticks
SHADES = 256


class ColourBar(NamedTuple):
    """Lengths in inches, the font of its numbers in points; ``name`` is how far right of the bar its name stands, ``room`` is
    what the bar and its words take."""

    font: float
    width: float
    height: float
    name: float
    room: float


def colour_bar(picture: Picture, font: float, panels: float, families: tuple[str, ...]) -> ColourBar:
    """The bar of ``picture``: as high as all its panels together, or as high as it needs."""
    scale, width = picture.scale, max(0.14, font * 1.4 * POINT)
    several = (24,) if scale.decades else range(2, 7)  # how many there are depends on the height
    words = [f"{tick:z.6g}" for most in several for tick in ticks(scale, most)]
    words += [picture.blank] * picture.hidden
    words += [beyond(scale.largest)] * scale.above + [beyond(scale.least)] * scale.below
    name = NEAR * 2 + 1.1 * text_width(tuple(words), families, font)
    line = font * LEADING * POINT if picture.measure else 0.0
    length = HINTING * text_width((picture.measure,), families, font) if picture.measure else 0.0
    height = max(panels, LEAST_HEIGHT + scale.below * TIP * width, length)
    return ColourBar(font, width, height, name, GAP * 2.6 + width + name - NEAR + line)


def draw_colour_bar(
    figure: Figure, picture: Picture, bar: ColourBar, corner: tuple[float, float], colours: Any, norm: Normalize
) -> list[PlacedText]:
    """Add the bar to ``figure``, its upper left corner at ``corner``; what comes back are its texts."""
    (x, top), scale = corner, picture.scale
    hidden = bar.font * 2.2 * POINT if picture.hidden else 0.0
    below = hidden + (bar.width * TIP if scale.below else 0.0)
    above = bar.width * TIP if scale.above else 0.0
    y, high = top - bar.height + below, bar.height - below - above
    _draw_gradient(figure, scale, (x, y, bar.width, high), colours, norm)
    texts = [*_numbers(scale, bar, (x, y, high), norm)]
    if picture.measure:
        right = x + bar.width + bar.name + bar.font * CAPITAL * POINT
        texts.append(
            PlacedText(picture.measure, right, top - bar.height / 2, bar.font, up=0, colour=PALE, upright=True)
        )
    for end, toward, there, colour, value in (
        (y + high, bar.width * 0.8, scale.above, colours(norm(scale.high)), scale.largest),
        (y, -bar.width * 0.8, scale.below, colours(norm(scale.low)), scale.least),
    ):
        if there:
            tip = Path([(x, end), (x + bar.width, end), (x + bar.width / 2, end + toward), (x, end)])
            figure.add_artist(shape(figure, tip, colour))
            texts.append(PlacedText(beyond(value), x + bar.width + NEAR, end + toward, bar.font, across=0))
    if picture.hidden:
        texts.append(_draw_hidden(figure, picture.blank, bar, (x, y - below)))
    return texts


def _draw_gradient(
    figure: Figure, scale: Scale, box: tuple[float, float, float, float], colours: Any, norm: Normalize
) -> None:
    """All colours of the scale in ``box``: its lower left corner, its width, its height."""
    bounds = TransformedBbox(Bbox.from_bounds(*box), figure.dpi_scale_trans)
    image = BboxImage(bounds, cmap=colours, norm=norm, origin="lower", interpolation="nearest")
    if scale.decades:
        shades = numpy.geomspace(scale.low, scale.high, SHADES)
    else:
        shades = scale.unit * numpy.linspace(scale.low / scale.unit, scale.high / scale.unit, SHADES)
    image.set_data(shades[:, None])
    figure.add_artist(image)
    figure.add_artist(outline(figure, *box))


def _numbers(scale: Scale, bar: ColourBar, foot: tuple[float, float, float], norm: Normalize) -> Iterator[PlacedText]:
    """The ticks of a bar whose lower left corner and height are ``foot``."""
    x, y, high = foot
    for tick in ticks(scale, most=max(2, int(high / (bar.font * TICK_ROOM * POINT)))):
        at = y + high * float(norm(tick))
        yield PlacedText(f"{tick:z.6g}", x + bar.width + NEAR, at, bar.font, across=0)


def _draw_hidden(figure: Figure, name: str, bar: ColourBar, corner: tuple[float, float]) -> PlacedText:
    """A hidden cell below the bar, and what it is called."""
    x, y = corner
    side = bar.font * 1.1 * POINT
    left = x + (bar.width - side) / 2
    cell = numpy.array([[-math.inf]])
    figure.add_artist(hatched(figure, cell, (left, y + side), (side, side)))
    figure.add_artist(outline(figure, left, y, side, side))
    return PlacedText(name, x + bar.width + NEAR, y + side / 2, bar.font, across=0)
