"""The line around the smallest part of a picture that holds a share of the weight on it."""

from __future__ import annotations

from typing import Any

import numpy

Lines = list[numpy.ndarray]


def level_of(values: numpy.ndarray, share: float) -> float:
    """The weight at which the pixels with no less hold this ``share`` of all; 0 where there is none."""
    falling = numpy.sort(values[~numpy.isnan(values)])[::-1]
    total = falling.sum()
    if not total > 0:
        return 0.0
    place = int(numpy.searchsorted(numpy.cumsum(falling), share * total * (1 - 1e-9)))
    return float(falling[min(place, len(falling) - 1)])


def contour(values: numpy.ndarray, share: float) -> Lines:
    """The lines around that part, (points, 2) each: x and y from the upper left corner, the sides of ``values`` being 1 long."""
    from contourpy import LineType, contour_generator

    level = level_of(values, share)
    if level <= 0:
        return []
    rows, columns = values.shape
    around = numpy.pad(numpy.nan_to_num(values, nan=0.0), 1, mode="edge")  # no line runs along the edge of the picture
    x, y = (numpy.arange(-1, count + 1) + 0.5 for count in (columns, rows))
    lines: Any = contour_generator(x, y, around, line_type=LineType.Separate).lines(level * (1 - 1e-6))
    return [numpy.clip(line / (columns, rows), 0.0, 1.0) for line in lines]
