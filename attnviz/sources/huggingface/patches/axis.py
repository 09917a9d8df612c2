"""One side of a picture as a model sees it: which place of the picture each of its pixels shows, as a straight line."""

from __future__ import annotations

from typing import NamedTuple

import numpy

from attnviz.sources.huggingface.patches.ramps import LEVELS

WHOLE = 0.35  # how far from a whole number a size or an offset may be measured that must be one
EDGE = 2.5  # pixels from the ends of a side, in which resizing mixes what is there with what is not
LOOSE = 1.5  # levels of brightness by which a place may miss the line: rounding, there and back


class Axis(NamedTuple):
    """``start`` is the place of the edge before the first pixel, ``step`` the size of one, both in pixels of the picture."""

    start: float
    step: float

    def at(self, edge: float) -> float:
        """The place of an edge, counted in the model's pixels."""
        return self.start + self.step * edge


def fitted(positions: numpy.ndarray, places: numpy.ndarray, size: int, slack: float | None = None) -> Axis | None:
    """The line on which pixels at ``positions`` (of their middles, counted in pixels) show ``places`` of a side of ``size``.

    A processor resizes a side to a whole number of pixels and crops or pads whole ones: where both come out as nearly whole,
    they are taken as whole, and the line is exact. None where there is no such line, or not enough to see one: where a place misses
    it by more than its brightness was rounded and ``slack``; None: what a processor may leave that takes every so many pixels.
    """
    inner = _inner(positions, places, size)
    if inner.sum() < 2:
        return None
    x, y = positions[inner], places[inner]
    near = _nearest(x, y)
    step, start = (float(number) for number in numpy.polyfit(x[near], y[near], 1))
    if step <= 0:
        return None
    axis = _whole(x[near], y[near], Axis(start, step), size)
    miss = float(numpy.abs(axis.at(0) + axis.step * x - y).max())
    return axis if miss <= LOOSE * size / LEVELS + (0.6 * max(1.0, axis.step) if slack is None else slack) else None


def _nearest(x: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    """Which points lie near a line through all: those that a finer ramp tells, and not those that only the coarse one does."""
    step, start = numpy.polyfit(x, y, 1)
    away = numpy.abs(start + step * x - y)
    near: numpy.ndarray = away <= 2 * numpy.median(away) + 1e-9
    return near if near.sum() >= len(x) / 2 and near.sum() >= 2 else numpy.ones(len(x), dtype=bool)


def _inner(positions: numpy.ndarray, places: numpy.ndarray, size: int) -> numpy.ndarray:
    """The pixels that no end of the side has touched; all where these are too few."""
    if len(places) < 2:
        return numpy.ones(len(places), dtype=bool)
    step = abs(float(numpy.median(numpy.diff(places) / numpy.diff(positions)))) or 1.0
    margin = EDGE * max(step, 1.0)
    inner: numpy.ndarray = (places > margin) & (places < size - margin)
    return inner if inner.sum() >= 4 else numpy.ones(len(places), dtype=bool)


def _whole(x: numpy.ndarray, y: numpy.ndarray, axis: Axis, size: int) -> Axis:
    """``axis`` with a whole number of pixels to the side, and a whole one of them left out, where it nearly has them."""
    pixels = size / axis.step
    if abs(pixels - round(pixels)) > WHOLE or round(pixels) < 1:
        return axis
    step = size / round(pixels)
    start = float(numpy.mean(y - step * x))
    left_out = start / step
    if abs(left_out - round(left_out)) > WHOLE:
        return Axis(start, step)
    return Axis(round(left_out) * step, step)
