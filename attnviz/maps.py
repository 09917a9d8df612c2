"""One step of a head as a map that is no larger than a picture can show, exact, and never holding queries × keys.

A cell of the map is one pair of a query and a key, or the mean or the largest value of many. The weights of a whole head
are pooled in one pass (pooling/); any other step, and any region of a head, row block by row block: the weights in a
region are those of the full softmax.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy

from attnviz.arrays import to_numpy
from attnviz.attention import Steps
from attnviz.choices import MapStep, Pool
from attnviz.pooling import pool as pool_weights
from attnviz.pooling.cells import cell_size
from attnviz.progress import Report, unheard
from attnviz.rows import CELLS as CELLS_OF_A_BLOCK
from attnviz.rows import some_rows
from attnviz.trace import Layer


class Frame(NamedTuple):
    """What of a head is shown, and how much of it a cell holds.

    queries, keys  the positions, each a range whose step is what one cell covers
    cells          how many of them there may be at the most, down and across
    """

    queries: range
    keys: range
    cells: int
    pool: Pool = Pool.MEAN

    @property
    def pooled(self) -> bool:
        """Whether a cell covers more than one pair."""
        return self.cell != (1, 1)

    @property
    def cell(self) -> tuple[int, int]:
        """How many queries × keys a cell covers (the last of a row or column may cover fewer)."""
        return self.queries.step, self.keys.step

    @property
    def shape(self) -> tuple[int, int]:
        """How many cells there are, down and across."""
        return len(self.queries), len(self.keys)

    def whole(self, layer: Layer) -> bool:
        """Whether all queries and keys of ``layer`` are in it."""
        return (self.queries.start, self.keys.start) == (0, 0) and (self.queries.stop, self.keys.stop) == (
            layer.query.shape[1],
            layer.key.shape[1],
        )


def framed(queries: range, keys: range, cells: int, pool: Pool = Pool.MEAN) -> Frame:
    """The frame of these queries and keys in at most ``cells`` × ``cells`` cells."""
    queries, keys = (range(side.start, side.stop, cell_size(len(side), cells)) for side in (queries, keys))
    return Frame(queries, keys, cells, pool)


def head_maps(
    layer: Layer, heads: Sequence[int], step: MapStep, frame: Frame, report: Report = unheard
) -> list[numpy.ndarray]:
    """A map for each of ``heads``, (query cells, key cells): the mean or the largest of the pairs that are not hidden,
    −∞ where all are hidden."""
    if step is MapStep.WEIGHTS and frame.pooled and frame.whole(layer):
        return _pooled_weights(layer, heads, frame, report)
    if frame.whole(layer) and not frame.pooled:
        return [_values(layer.steps(head), step) for head in heads]
    rows = frame.queries.stop - frame.queries.start

    def by_rows(place: int, head: int) -> numpy.ndarray:
        return _by_rows(layer, head, step, frame, lambda done: report(place * rows + done, len(heads) * rows))

    return [by_rows(place, head) for place, head in enumerate(heads)]


def _pooled_weights(layer: Layer, heads: Sequence[int], frame: Frame, report: Report) -> list[numpy.ndarray]:
    pooled = pool_weights(layer, heads, frame.cells, report)
    visible = to_numpy(pooled.visible).astype(numpy.float64)  # (heads, query_cells, key_cells)
    if frame.pool is Pool.MAX:
        values = to_numpy(pooled.maximum).astype(numpy.float64)
    else:
        values = to_numpy(pooled.mean) / numpy.where(visible > 0, visible, 1)
    return list(numpy.where(visible > 0, values, -math.inf))


def _by_rows(layer: Layer, head: int, step: MapStep, frame: Frame, report: Callable[[int], None]) -> numpy.ndarray:
    """Some rows of the head at a time, each over all keys, and of these the ones in the frame."""
    total = numpy.zeros(frame.shape)
    count = numpy.zeros(frame.shape, dtype=int)
    largest = numpy.full(frame.shape, -math.inf)
    bounds = numpy.arange(0, frame.keys.stop - frame.keys.start, frame.keys.step)
    size = max(1, CELLS_OF_A_BLOCK // layer.key.shape[1])
    for start in range(frame.queries.start, frame.queries.stop, size):
        stop = min(start + size, frame.queries.stop)
        values = _values(some_rows(layer, start, stop).steps(head), step)[:, frame.keys.start : frame.keys.stop]
        seen = values > -math.inf
        rows = (numpy.arange(start, stop) - frame.queries.start) // frame.queries.step  # of the map
        numpy.maximum.at(largest, rows, numpy.maximum.reduceat(values, bounds, axis=1))
        numpy.add.at(total, rows, numpy.add.reduceat(numpy.where(seen, values, 0.0), bounds, axis=1))
        numpy.add.at(count, rows, numpy.add.reduceat(seen.astype(int), bounds, axis=1))
        report(stop - frame.queries.start)
    if frame.pool is Pool.MAX:
        return largest
    return numpy.where(count > 0, total / numpy.maximum(count, 1), -math.inf)


def _values(steps: Steps, step: MapStep) -> numpy.ndarray:
    """One step, (queries, keys); a hidden cell, which has the weight 0 but is not a small weight, is −∞."""
    values: numpy.ndarray = to_numpy(getattr(steps, step.value)).astype(numpy.float64)
    if step in (MapStep.MASKED, MapStep.WEIGHTS):
        values = numpy.where(to_numpy(steps.hidden), -math.inf, values)
    return values
