"""The weights of two heads on axes that both texts share, whole or in cells of many tokens; and the left minus the right."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.analysis.cells import Cells, reduced
from attnviz.analysis.difference.alignment import Alignment
from attnviz.attention.arrays import to_numpy
from attnviz.choices import Pool
from attnviz.progress import Progress, no_progress
from attnviz.trace.layer import Layer
from attnviz.trace.slices import some_queries, weighed

Spot = tuple[Layer, int]  # a head


class Slots(NamedTuple):
    """One axis for two texts: a place for each token of either, those that are the same sharing theirs.

    left, right  the position of each place in that text, −1 where only the other has a token there
    """

    left: numpy.ndarray
    right: numpy.ndarray

    def cut(self, some: slice) -> Slots:
        """Some of the places."""
        return Slots(self.left[some], self.right[some])

    @property
    def shared(self) -> numpy.ndarray:
        """Whether both texts have a token there."""
        return (self.left >= 0) & (self.right >= 0)


class Maps(NamedTuple):
    """The weights of the left head, of the right, and the left minus the right, (queries, keys): −∞ where there are none."""

    left: numpy.ndarray
    right: numpy.ndarray
    apart: numpy.ndarray


def slots(alignment: Alignment, left: numpy.ndarray, right: numpy.ndarray) -> Slots:
    """All tokens of both texts in order, where all that can be compared is; else the pairs that are."""
    if len(left) < len(alignment.left):
        return Slots(left, right)
    places: list[tuple[int, int]] = []
    before = (0, 0)
    for pair in [*alignment.pairs, alignment.lengths]:
        places += [(place, -1) for place in range(before[0], pair[0])]
        places += [(-1, place) for place in range(before[1], pair[1])]
        places.append(pair)
        before = pair[0] + 1, pair[1] + 1
    both = numpy.array(places[:-1], dtype=int).reshape(-1, 2)
    return Slots(both[:, 0], both[:, 1])


def whole_maps(left: Spot, right: Spot, queries: Slots, keys: Slots) -> Maps:
    """The maps of two heads, a cell for each pair of places."""
    one = _weights(*left, queries.left, keys.left)
    other = _weights(*right, queries.right, keys.right)
    return Maps(one, other, _difference(one, other, queries.shared[:, None] & keys.shared))


def pooled_maps(
    left: Spot,
    right: Spot,
    queries: Slots,
    keys: Slots,
    size: tuple[int, int],
    pool: Pool,
    report: Progress = no_progress,
) -> Maps:
    """The same in cells of ``size`` places, down and across, some rows at a time: of the pairs of a cell that are not hidden the
    mean weight and the mean difference, or the largest weight and the difference that is furthest from 0."""
    count = len(queries.left)
    down, across = range(0, count, size[0]), range(0, len(keys.left), size[1])
    cells = [Cells((len(down), len(across))) for _ in range(4)]
    rows = max(1, CELLS // (len(keys.left) * size[0])) * size[0]  # whole cells
    for start in range(0, count, rows):
        some = whole_maps(left, right, queries.cut(slice(start, start + rows)), keys)
        less = numpy.where(some.apart > -math.inf, -some.apart, -math.inf)
        for cell, values in zip(cells, (*some, less), strict=True):
            cell.add(reduced(down, across, start, values, 0))
        report(min(start + rows, count), count)
    one, other, more, less = (each.values(pool) for each in cells)
    return Maps(one, other, more if pool is Pool.MEAN else numpy.where(more >= less, more, -less))


def _weights(layer: Layer, head: int, queries: numpy.ndarray, keys: numpy.ndarray) -> numpy.ndarray:
    """The weights at these places, (queries, keys); −∞ where they are hidden, or the text has no token."""
    values = numpy.full((len(queries), len(keys)), -math.inf)
    there, columns = queries >= 0, keys >= 0
    if there.any() and columns.any():
        first = int(queries[there].min())
        steps = weighed(some_queries(layer, first, int(queries[there].max()) + 1), head)
        cells = numpy.ix_(queries[there] - first, keys[columns])
        weights = to_numpy(steps.weights)[cells].astype(numpy.float64)
        values[numpy.ix_(there, columns)] = numpy.where(to_numpy(steps.hidden)[cells], -math.inf, weights)
    return values


def _difference(left: numpy.ndarray, right: numpy.ndarray, shared: numpy.ndarray) -> numpy.ndarray:
    """What is hidden on one side has the weight 0 there; −∞ where it is hidden on both, or one text has no such token."""
    seen = [values > -math.inf for values in (left, right)]
    weights = [numpy.where(there, values, 0.0) for there, values in zip(seen, (left, right), strict=True)]
    return numpy.where(shared & (seen[0] | seen[1]), weights[0] - weights[1], -math.inf)
