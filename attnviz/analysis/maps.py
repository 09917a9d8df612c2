"""One step of a head as a map that is no larger than a picture can show, exact, and never holding queries × keys.

A cell of the map is one pair of a query and a key, or the mean or the largest value of many. Weights are pooled in one
pass (pooling/); any other step, and weights without the tokens that are left out, row block by row block. The weights in
a region of a head are those of the full softmax.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy

from attnviz.analysis.blocks import CELLS as CELLS_OF_A_BLOCK
from attnviz.analysis.blocks import WORKERS, rows_of_a_block
from attnviz.analysis.cells import Cells, Reduced, reduced
from attnviz.analysis.contribution import Carried, shares
from attnviz.attention.arrays import Array, to_numpy
from attnviz.attention.formula import Steps
from attnviz.attention.known_weights import KnownWeights
from attnviz.attention.threads import side_by_side
from attnviz.choices import CONTRIBUTIONS, MapStep, Pool
from attnviz.pooling.pool import pool, pool_arrays
from attnviz.pooling.result import Pooled
from attnviz.pooling.scores import Factors
from attnviz.pooling.tiles import cell_size
from attnviz.progress import Progress, no_progress
from attnviz.trace.contribution import WHOLE, Places
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection
from attnviz.trace.slices import seen_keys, some_queries, weighed
from attnviz.trace.summed import SummedContribution

Bring = Callable[[Array, Places, Places], Array]  # weights of these queries and keys, (…, rows, keys), as contributions
HIDING = (MapStep.MASKED, MapStep.WEIGHTS, *CONTRIBUTIONS)  # the steps that show what is hidden


class Frame(NamedTuple):
    """What of a head is shown, and how much of it a cell holds.

    queries, keys  the positions, each a range whose step is what one cell covers
    cells          at most how many of them there may be, down and across
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


def framed(selected: LayerSelection, cells: int, pool: Pool = Pool.MEAN) -> Frame:
    """The frame of what is looked at of ``selected``, in at most ``cells`` × ``cells`` cells."""
    queries, keys = (range(side.start, side.stop, cell_size(len(side), cells)) for side in selected.ranges)
    return Frame(queries, keys, cells, pool)


def head_maps(
    selected: LayerSelection,
    step: MapStep,
    frame: Frame,
    report: Progress = no_progress,
    scores: int = CELLS_OF_A_BLOCK,
) -> tuple[list[numpy.ndarray], list[float]]:
    """A map for each head of ``selected``, or the one of all heads, (query cells, key cells): the mean or the largest of the pairs
    that are not hidden, −∞ where all are hidden; and for each what the queries gave on average to keys that are left out, if
    any are.

    A map that is not pooled is without what is left out; in cells it counts as hidden.
    """
    heads = selected.maps(step)
    small = selected.whole and not frame.pooled and None not in heads  # so that all steps of a head may be held
    if step is MapStep.WEIGHTS and not selected.skips_tokens and not small:
        return pooled_maps(pooled(selected, frame, report), frame.pool), []
    if step is MapStep.CONTRIBUTION and not selected.skips_tokens and not small:
        return _pooled_contributions(selected, frame, report), []
    maps, shares = [], []
    rows = frame.queries.stop - frame.queries.start
    carried = Carried([selected.layer], selected.heads) if step is MapStep.CONTRIBUTION else None
    for place, head in enumerate(heads):

        def tell(done: int, before: int = place * rows) -> None:
            report(before + done, len(heads) * rows)

        bring: Bring | None = None if carried is None or head is None else carried.head(head).times
        of_step = _OfStep(selected.layer, head, step, SummedContribution(selected.layer) if head is None else bring)
        values, lost = _whole(selected, of_step) if small else _by_rows(selected, of_step, frame, tell, scores)
        if selected.skips_tokens:
            shares.append(lost)
            if not frame.pooled:
                starts = (frame.queries.start, selected.query_positions), (frame.keys.start, selected.key_positions)
                values = values[numpy.ix_(*([place - start for place in places] for start, places in starts))]
        maps.append(values)
    return maps, shares


def pooled(selected: LayerSelection, frame: Frame, report: Progress = no_progress) -> Pooled:
    """The weights of the heads of ``selected`` in the cells of ``frame``."""
    queries, keys = selected.ranges
    return pool(selected.layer, selected.heads, frame.cells, report, queries=queries, keys=keys)


def _pooled_contributions(selected: LayerSelection, frame: Frame, report: Progress) -> list[numpy.ndarray]:
    """The contributions of each head, in the same pass as its weights: each is a weight times one number for its key, or for
    its pair."""
    layer, (queries, keys) = selected.layer, selected.ranges
    carried = Carried([layer], selected.heads)
    forms = [carried.head(head).of_queries(queries.start, queries.stop) for head in selected.heads]
    # In parts of their bounds, so that no product of the pass leaves its numbers.
    factors = [Factors(form.divided().__call__, layer.toward is not None) for form in forms]
    whose = layer.query, layer.key, layer.rule, selected.heads, frame.cells, report
    found = pool_arrays(*whose, queries=queries, keys=keys, factors=factors)
    return [values * form.bound for values, form in zip(pooled_maps(found, frame.pool), forms, strict=True)]


def pooled_maps(pooled: Pooled, choice: Pool) -> list[numpy.ndarray]:
    """A map for each pooled head, as ``head_maps`` gives it."""
    visible = to_numpy(pooled.visible).astype(numpy.float64)  # (heads, query_cells, key_cells)
    if choice is Pool.MAX:
        values = to_numpy(pooled.maximum).astype(numpy.float64)
    else:
        values = to_numpy(pooled.mean) / numpy.where(visible > 0, visible, 1)
    return list(numpy.where(visible > 0, values, -math.inf))


class _OfStep:
    """One step of one head, or of all together (None), as numbers of a map."""

    def __init__(self, layer: Layer, head: int | None, step: MapStep, bring: Bring | None) -> None:
        self.head, self.step, self._bring = head, step, bring
        self.heads = layer.heads if head is None else 1  # whose weights are computed

    def values(self, steps: Steps | KnownWeights, rows: slice = WHOLE, keys: slice = WHOLE) -> numpy.ndarray:
        """The step of these queries and keys, of which ``steps`` are, (rows, keys); a hidden cell, which has the weight 0
        but is not a small weight, is −∞."""
        bring = self._bring
        found = getattr(steps, self.step.value) if bring is None else bring(steps.weights, rows, keys)
        values: numpy.ndarray = to_numpy(found).astype(numpy.float64)
        if self.step not in HIDING:
            return values
        hidden = to_numpy(steps.hidden)
        return numpy.where(hidden.all(axis=0) if self.head is None else hidden, -math.inf, values)

    def taken(self, steps: Steps | KnownWeights, values: numpy.ndarray) -> numpy.ndarray:
        """What each key takes of its query, (rows, keys): its weight, or its share of the contributions, which ``values`` are."""
        if self._bring is None:
            return numpy.asarray(to_numpy(steps.weights))
        return shares(numpy.where(values == -math.inf, 0.0, values))


def _whole(selected: LayerSelection, of_step: _OfStep) -> tuple[numpy.ndarray, float]:
    steps = selected.layer.steps(of_step.head)
    values = of_step.values(steps)
    if not selected.skips_tokens:
        return values, 0.0
    rows_out, keys_out = (
        _left_out(selected.queries, selected.layer.queries),
        _left_out(selected.keys, selected.layer.keys),
    )
    return values, float(of_step.taken(steps, values)[~rows_out][:, keys_out].sum(axis=1).mean())


def _by_rows(
    selected: LayerSelection, of_step: _OfStep, frame: Frame, report: Callable[[int], None], scores: int
) -> tuple[numpy.ndarray, float]:
    """Some rows of the head at a time, of so many ``scores`` at the most, each over all keys; and of these the ones in the
    frame."""
    cells = Cells(frame.shape)
    lost: list[numpy.ndarray] = []
    size = rows_of_a_block(selected.layer, scores // of_step.heads)
    starts = range(frame.queries.start, frame.queries.stop, size)

    def work(start: int) -> Iterator[tuple[Reduced, numpy.ndarray]]:
        yield _of_rows(selected, of_step, frame, start, min(start + size, frame.queries.stop))

    with side_by_side(selected.layer.queried, work, starts, WORKERS) as results:
        for start, (rows, lost_of_rows) in zip(starts, results, strict=True):
            cells.add(rows)
            lost.append(lost_of_rows)
            report(min(start + size, frame.queries.stop) - frame.queries.start)
    return cells.values(frame.pool), float(numpy.concatenate(lost).mean())


def _of_rows(
    selected: LayerSelection, of_step: _OfStep, frame: Frame, start: int, stop: int
) -> tuple[Reduced, numpy.ndarray]:
    """The queries start … stop − 1 of a head, and what each of them that is kept gave to keys that are left out."""
    layer = some_queries(selected.layer, start, stop)
    keys = slice(0, layer.keys)
    if of_step.step in HIDING:  # what causal and window hide need not be computed
        keys, layer = seen_keys(layer)
    steps = weighed(layer, of_step.head)
    rows_out, keys_out = (
        _left_out(places, count)[some]
        for places, count, some in (
            (selected.queries, selected.layer.queries, slice(start, stop)),
            (selected.keys, selected.layer.keys, keys),
        )
    )
    values = of_step.values(steps, slice(start, stop), keys)
    lost = numpy.zeros(1)
    if selected.skips_tokens:
        lost = of_step.taken(steps, values)[~rows_out][:, keys_out].sum(axis=1)
    if frame.pooled:
        values[rows_out] = -math.inf
        values[:, keys_out] = -math.inf
    return reduced(frame.queries, frame.keys, start, values, keys.start), lost


def _left_out(places: Sequence[int] | None, count: int) -> numpy.ndarray:
    """True for each of ``count`` positions that is not among ``places``; None is all of them."""
    out = numpy.full(count, places is not None)
    out[list(places or ())] = False
    return out
