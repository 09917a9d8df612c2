"""One step of a head as a map that is no larger than a picture can show, exact, and never holding queries × keys.

A cell of the map is one pair of a query and a key, or the mean or the largest value of many. Weights are pooled in one
pass (pooling/); any other step, and weights without the tokens that are left out, row block by row block. The weights in
a region of a head are those of the full softmax.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy

from attnviz.arrays import Array, to_numpy
from attnviz.attention import Steps
from attnviz.choices import MapStep, Pool
from attnviz.pooling import Pooled, pool
from attnviz.pooling.cells import cell_size
from attnviz.progress import Report, unheard
from attnviz.rows import CELLS as CELLS_OF_A_BLOCK
from attnviz.rows import some_rows
from attnviz.selection import Part


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


def framed(part: Part, cells: int, pool: Pool = Pool.MEAN) -> Frame:
    """The frame of what is looked at of ``part``, in at most ``cells`` × ``cells`` cells."""
    queries, keys = (range(side.start, side.stop, cell_size(len(side), cells)) for side in part.spans)
    return Frame(queries, keys, cells, pool)


def head_maps(
    part: Part, step: MapStep, frame: Frame, report: Report = unheard
) -> tuple[list[numpy.ndarray], list[float]]:
    """A map for each head of ``part``, (query cells, key cells): the mean or the largest of the pairs that are not hidden,
    −∞ where all are hidden; and for each what the queries gave on average to keys that are left out, if any are.

    A map that is not pooled is without what is left out; in cells it counts as hidden.
    """
    small = part.whole and not frame.pooled  # so that all steps of a head may be held
    if step is MapStep.WEIGHTS and not part.narrowed and not small:
        return pooled_maps(pooled(part, frame, report), frame.pool), []
    maps, shares = [], []
    rows = frame.queries.stop - frame.queries.start
    for place, head in enumerate(part.heads):

        def tell(done: int, before: int = place * rows) -> None:
            report(before + done, len(part.heads) * rows)

        values, lost = _whole(part, head, step, frame) if small else _by_rows(part, head, step, frame, tell)
        if part.narrowed:
            shares.append(lost)
            if not frame.pooled:
                starts = (frame.queries.start, part.kept_queries), (frame.keys.start, part.kept_keys)
                values = values[numpy.ix_(*([place - start for place in places] for start, places in starts))]
        maps.append(values)
    return maps, shares


def pooled(part: Part, frame: Frame, report: Report = unheard) -> Pooled:
    """The weights of the heads of ``part`` in the cells of ``frame``."""
    queries, keys = part.spans
    return pool(part.layer, part.heads, frame.cells, report, queries=queries, keys=keys)


def pooled_maps(pooled: Pooled, choice: Pool) -> list[numpy.ndarray]:
    """A map for each pooled head, as ``head_maps`` gives it."""
    visible = to_numpy(pooled.visible).astype(numpy.float64)  # (heads, query_cells, key_cells)
    if choice is Pool.MAX:
        values = to_numpy(pooled.maximum).astype(numpy.float64)
    else:
        values = to_numpy(pooled.mean) / numpy.where(visible > 0, visible, 1)
    return list(numpy.where(visible > 0, values, -math.inf))


def _whole(part: Part, head: int, step: MapStep, frame: Frame) -> tuple[numpy.ndarray, float]:
    steps = part.layer.steps(head)
    lost = _lost(part, steps, frame.queries.start)
    return _values(steps, step), float(lost.mean())


def _by_rows(
    part: Part, head: int, step: MapStep, frame: Frame, report: Callable[[int], None]
) -> tuple[numpy.ndarray, float]:
    """Some rows of the head at a time, each over all keys, and of these the ones in the frame."""
    total = numpy.zeros(frame.shape)
    count = numpy.zeros(frame.shape, dtype=int)
    largest = numpy.full(frame.shape, -math.inf)
    lost: list[numpy.ndarray] = []
    bounds = numpy.arange(0, frame.keys.stop - frame.keys.start, frame.keys.step)
    left_out = _left_out(part.queries, part.layer.query), _left_out(part.keys, part.layer.key)
    size = max(1, CELLS_OF_A_BLOCK // part.layer.key.shape[1])
    for start in range(frame.queries.start, frame.queries.stop, size):
        stop = min(start + size, frame.queries.stop)
        steps = some_rows(part.layer, start, stop).steps(head)
        lost.append(_lost(part, steps, start))
        values = _values(steps, step)
        if frame.pooled:
            values[left_out[0][start:stop]] = -math.inf
            values[:, left_out[1]] = -math.inf
        values = values[:, frame.keys.start : frame.keys.stop]
        seen = values > -math.inf
        rows = (numpy.arange(start, stop) - frame.queries.start) // frame.queries.step  # of the map
        numpy.maximum.at(largest, rows, numpy.maximum.reduceat(values, bounds, axis=1))
        numpy.add.at(total, rows, numpy.add.reduceat(numpy.where(seen, values, 0.0), bounds, axis=1))
        numpy.add.at(count, rows, numpy.add.reduceat(seen.astype(int), bounds, axis=1))
        report(stop - frame.queries.start)
    share = float(numpy.concatenate(lost).mean())
    if frame.pool is Pool.MAX:
        return largest, share
    return numpy.where(count > 0, total / numpy.maximum(count, 1), -math.inf), share


def _left_out(places: Sequence[int] | None, array: Array) -> numpy.ndarray:
    """True for each token of ``array``, (heads, tokens, d), that is not among ``places``; None is all of them."""
    out = numpy.full(array.shape[1], places is not None)
    out[list(places or ())] = False
    return out


def _lost(part: Part, steps: Steps, start: int) -> numpy.ndarray:
    """What each query that is kept, of those from ``start`` on, gave to the keys that are left out."""
    if not part.narrowed:
        return numpy.zeros(1)
    weights = to_numpy(steps.weights)
    rows = ~_left_out(part.queries, part.layer.query)[start : start + len(weights)]
    lost: numpy.ndarray = weights[rows][:, _left_out(part.keys, part.layer.key)].sum(axis=1)
    return lost


def _values(steps: Steps, step: MapStep) -> numpy.ndarray:
    """One step, (queries, keys); a hidden cell, which has the weight 0 but is not a small weight, is −∞."""
    values: numpy.ndarray = to_numpy(getattr(steps, step.value)).astype(numpy.float64)
    if step in (MapStep.MASKED, MapStep.WEIGHTS):
        values = numpy.where(to_numpy(steps.hidden), -math.inf, values)
    return values
