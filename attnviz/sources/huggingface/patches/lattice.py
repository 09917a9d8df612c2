"""Patches that a processor has cut out one by one: in which row or column each stands, seen from where its numbers come from."""

from __future__ import annotations

import math

import numpy

from attnviz.sources.huggingface.patches.axis import Axis, fitted
from attnviz.sources.huggingface.patches.ramps import LEVELS

Side = tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]


def lattice(places: numpy.ndarray, known: numpy.ndarray, size: int) -> Side | None:
    """Along one side of a picture of this ``size``: the number of each patch's row (or column), and where it begins and ends.

    ``places`` are those of all numbers of each patch, (patches, numbers). None where the patches do not follow each other in
    equal steps.
    """
    middles = numpy.array([row[seen].mean() for row, seen in zip(places, known, strict=True)])
    spread = float(numpy.mean([row[seen].std() for row, seen in zip(places, known, strict=True)]))
    wide = spread * math.sqrt(12)  # of what is spread evenly over the patch
    if wide <= 0:
        return None
    groups, centres = _grouped(middles, max(wide / 2, size / LEVELS))
    if len(centres) == 1:
        return _one(len(middles), float(centres[0]), wide, size)
    gaps = numpy.diff(centres)
    numbers = numpy.concatenate([[0], numpy.cumsum(numpy.round(gaps / float(gaps.min())))]).astype(numpy.int64)
    axis = fitted(numbers + 0.5, centres, size, slack=1.0) if len(centres) > 2 else _of_two(centres)
    if axis is None:
        return None
    begins = axis.start + axis.step * numbers[groups]
    begins, ends = numpy.clip(begins, 0, size), numpy.clip(begins + axis.step, 0, size)
    return numbers[groups], begins, ends


def _grouped(middles: numpy.ndarray, apart: float) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Which of the groups each middle belongs to, and the middle of each group; from one to the next it is further than ``apart``."""
    order = numpy.argsort(middles)
    steps = numpy.diff(middles[order]) > apart
    groups = numpy.empty(len(middles), dtype=numpy.int64)
    groups[order] = numpy.concatenate([[0], numpy.cumsum(steps)])
    return groups, numpy.array([middles[groups == number].mean() for number in range(groups.max() + 1)])


def _one(count: int, centre: float, wide: float, size: int) -> Side:
    """A single row: the whole side where it nearly is."""
    if abs(wide - size) < 0.1 * size:
        begin, end = 0.0, float(size)
    else:
        begin, end = centre - wide / 2, centre + wide / 2
    return numpy.zeros(count, dtype=numpy.int64), numpy.full(count, begin), numpy.full(count, end)


def _of_two(centres: numpy.ndarray) -> Axis:
    step = float(centres[1] - centres[0])
    return Axis(float(centres[0]) - step / 2, step)
