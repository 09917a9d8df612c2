"""Where tokens stand in a picture: the boxes of a layer, checked, and the token whose box holds a pixel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attnviz.errors import AttnvizError

LARGEST_SIDE = 1 << 31  # of a picture
PIXEL = re.compile(r"(\d{1,9}(?:\.\d{1,9})?),(\d{1,9}(?:\.\d{1,9})?)")  # x,y


def picture_size(source: Mapping[str, Any]) -> tuple[int, int] | None:
    """The width and the height of the picture in which the boxes of a trace stand, as its ``source`` says; None where it does not."""
    said = source.get("picture")
    sides = [said.get(side) for side in ("width", "height")] if isinstance(said, Mapping) else []
    good = [side for side in sides if isinstance(side, int) and 0 < side < LARGEST_SIDE]
    return (good[0], good[1]) if len(good) == 2 else None


def take_boxes(layer: Any) -> None:
    """Hold the boxes of ``layer`` as NumPy arrays, (tokens, 4); AttnvizError where they do not fit its tokens, or are none."""
    for name, side in (("boxes", "keys"), ("query_boxes", "queries")):
        if (boxes := getattr(layer, name)) is not None:
            vars(layer)[name] = _valid(name, boxes, getattr(layer, side))


def _valid(name: str, boxes: Any, count: int) -> Any:
    import numpy

    try:
        array = numpy.asarray(boxes, dtype=numpy.float32)
    except (TypeError, ValueError):
        raise AttnvizError("{name} hold what is no number", name=name) from None
    if array.shape != (count, 4):
        raise AttnvizError(
            "{name} have the shape {shape}: expected {expected}",
            "give left, top, right and bottom for each token",
            name=name,
            shape=tuple(array.shape),
            expected=(count, 4),
        )
    there = ~numpy.isnan(array).any(axis=1)
    left, top, right, bottom = array[there].T
    if not (
        numpy.isfinite(array[there]).all()
        and (left < right).all()
        and (top < bottom).all()
        and (array[there] >= 0).all()
    ):
        raise AttnvizError("{name} hold a box that has no area, or lies outside the image", name=name)
    array[~there] = numpy.nan
    return array


def boxes_of_queries(layer: Any) -> Any:
    """The boxes of the queries of ``layer``, (queries, 4), or None where none of them shows a picture."""
    return layer.boxes if layer.query_boxes is None and layer.kind == "self" else layer.query_boxes


def tokens_at(boxes: Any, x: float, y: float) -> list[int]:
    """The positions of the tokens whose box holds a pixel, the one first whose middle is nearest.

    Pixels count from 0, and pixel 0 reaches from 0 to 1: of the middle of a pixel is asked.
    """
    import numpy

    x, y = (value + 0.5 if value == int(value) else value for value in (x, y))
    left, top, right, bottom = numpy.asarray(boxes).T
    inside = numpy.flatnonzero((left <= x) & (x < right) & (top <= y) & (y < bottom))
    away = ((left + right) / 2 - x) ** 2 + ((top + bottom) / 2 - y) ** 2
    return [int(place) for place in inside[numpy.argsort(away[inside], kind="stable")]]
