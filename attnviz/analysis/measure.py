"""Metrics of heads, put together row block by row block: what a text of 8,192 tokens needs is what one of 512 needs."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy

from attnviz.analysis.blocks import CELLS, WORKERS, Block, RowBlock, cuts, row_block
from attnviz.analysis.contribution import Sharing, sharing
from attnviz.analysis.first_key import first_key
from attnviz.analysis.metrics import Metric
from attnviz.analysis.over_queries import OverQueries, Totals, over_queries
from attnviz.attention.arrays import to_numpy
from attnviz.attention.known_weights import rounding, sum_tolerance
from attnviz.attention.rule import Rule
from attnviz.attention.threads import side_by_side
from attnviz.choices import NEAR, MeasuredStep, Pool
from attnviz.progress import Progress, no_progress
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace


class Measured(NamedTuple):
    """What was measured of the heads of a layer: each metric, (heads,), and what a query gave on average to keys that are
    left out. NaN for heads that were not asked for. ``covered`` is the share of the queries that a metric has an answer
    for, (heads,), 0 for heads that were not asked for, and ``counts`` how many these are. ``chances`` is what the metrics
    that were asked for it would be of a head that looks at all keys alike, (heads,)."""

    metrics: dict[Metric, numpy.ndarray]
    left_out: numpy.ndarray
    covered: dict[Metric, numpy.ndarray]
    counts: dict[Metric, numpy.ndarray]
    chances: dict[Metric, numpy.ndarray]


def head_metrics(
    trace: Trace,
    layer: Layer,
    near: int = NEAR,
    *,
    heads: Collection[int] | None = None,
    only: Collection[Metric] = tuple(Metric),
) -> dict[Metric, numpy.ndarray]:
    """Every metric of ``only`` of these heads of ``layer`` (None: all), (heads,): the mean over the queries that have an
    answer. The others are NaN.
    """
    return measure_heads(trace, layer, near, heads=heads, only=only).metrics


def measure_heads(
    trace: Trace,
    layer: Layer,
    near: int = NEAR,
    *,
    heads: Collection[int] | None = None,
    queries: Sequence[int] | None = None,
    keys: Sequence[int] | None = None,
    only: Collection[Metric] = tuple(Metric),
    pool: Pool = Pool.MEAN,
    step: MeasuredStep = MeasuredStep.WEIGHTS,
    report: Progress = no_progress,
    cells: int = CELLS,
    chances: Collection[Metric] = (),
    parts: Sequence[Layer] = (),
) -> Measured:
    """The same, of only these ``queries`` and ``keys`` (None: all), and the mean share that went to the other keys.

    ``pool`` says what stands for the queries: their mean, or the largest of them. ``step`` says of what the metrics are: the
    weights, or the shares of the contributions, which of all heads of a layer added up are those of one head. ``parts`` are the
    layers whose heads are joined in ``layer``. ``report`` is told how much is done, of how much. ``chances`` names the metrics
    that are measured of an even head, too.
    """
    parts = parts or (layer,)
    as_one = step is MeasuredStep.SUMMED
    heads = range(layer.heads) if heads is None or as_one else heads
    metrics = [metric for metric in only if not (metric.positional and _crossed(trace, layer))]
    looked_at = _looked_at(trace, layer, queries, keys, near, Metric.FIRST in metrics, cells)
    places = numpy.flatnonzero(looked_at.queries)
    blocks = cuts(layer, heads, range(int(places[0]), int(places[-1]) + 1), cells, as_one)
    needed = {head for some, _ in blocks for head in range(some.start, some.stop)}
    looked_at = looked_at._replace(sharing=sharing(parts, step, needed))
    rows = len(parts) if as_one else layer.heads  # of what is measured
    even = [metric for metric in metrics if metric in chances]
    totals, left_out = Totals(metrics, even, rows), numpy.zeros(rows)
    with side_by_side(
        layer.queried, lambda cut: iter((_of_block(layer, cut, looked_at, metrics, even, pool),)), blocks, WORKERS
    ) as results:
        for number, ((some, _), (found, lost)) in enumerate(zip(blocks, results, strict=True), start=1):
            some = slice(0, rows) if as_one else some
            totals.add(some, found)
            left_out[some] += lost
            report(number, len(blocks))
    asked = _chosen(rows, None if as_one else tuple(heads))
    values, counts, by_chance = totals.answers(pool)
    return Measured(
        _by_metric(metrics, numpy.where(asked, values, math.nan), math.nan),
        numpy.where(asked, left_out / len(places), math.nan),
        _by_metric(metrics, numpy.where(asked, counts / len(places), 0), 0),
        _by_metric(metrics, numpy.where(asked, counts, 0), 0),
        dict(zip(even, numpy.where(asked, by_chance, math.nan), strict=True)),
    )


def _by_metric(metrics: Sequence[Metric], values: numpy.ndarray, otherwise: float) -> dict[Metric, numpy.ndarray]:
    """``values``, (metrics, heads), of each metric there is; of those that are not among ``metrics`` what they have ``otherwise``."""
    known = dict(zip(metrics, values, strict=True))
    return {metric: known.get(metric, numpy.full(values.shape[1:], otherwise)) for metric in Metric}


class _LookedAt(NamedTuple):
    """What of a text is measured, the same for all blocks of it.

    queries, keys  whether each is looked at, (queries,) and (keys,)
    copies         a number for each token, the same for copies of it; None: queries and keys are of different texts
    near, first    as a ``Block`` has them, first among all keys
    sharing        what puts the shares of contributions for weights, where these are measured
    rounding       what a row of weights alone may lack to 1 and still be whole; else 0, for a sink takes what is lacking
    """

    queries: numpy.ndarray
    keys: numpy.ndarray
    copies: numpy.ndarray | None
    near: int
    first: int | None
    rounding: float = 0.0
    sharing: Sharing | None = None


def _looked_at(
    trace: Trace,
    layer: Layer,
    queries: Sequence[int] | None,
    keys: Sequence[int] | None,
    near: int,
    with_first: bool,
    cells: int,
) -> _LookedAt:
    kept = _chosen(layer.keys, keys)
    first = first_key(layer, kept, cells) if with_first else None
    step = None if layer.weights is None else sum_tolerance(rounding(layer.weights), layer.keys)
    return _LookedAt(_chosen(layer.queries, queries), kept, _copies(trace, layer), near, first, step or 0.0)


def _of_block(
    layer: Layer,
    cut: tuple[slice, slice],
    looked_at: _LookedAt,
    metrics: Sequence[Metric],
    even: Sequence[Metric],
    pool: Pool,
) -> tuple[OverQueries, numpy.ndarray]:
    """What is found in one block; and the sum of what its queries gave to keys that are left out, (heads,)."""
    rows = row_block(layer, *cut)
    rows = rows if looked_at.sharing is None else looked_at.sharing(rows)
    queries, keys = looked_at.queries[rows.rows], looked_at.keys[rows.keys]
    lost = to_numpy(rows.steps.weights)[..., ~keys].sum(axis=-1)  # (heads, rows)
    found = over_queries(_block(layer, rows, looked_at, lost), queries, metrics, even, pool)
    return found, lost[:, queries].sum(axis=-1)


def _chosen(count: int, positions: Sequence[int] | None) -> numpy.ndarray:
    """Whether each of ``count`` positions is one of ``positions``, (count,)."""
    chosen = numpy.full(count, positions is None)
    chosen[list(positions or ())] = True
    return chosen


def _block(layer: Layer, rows: RowBlock, looked_at: _LookedAt, lost: numpy.ndarray) -> Block:
    weights, steps = to_numpy(rows.steps.weights), rows.steps
    some = type(steps)(*(array[:1] for array in steps)) if _sees_the_same(layer.rule) else steps
    visible = numpy.broadcast_to(~to_numpy(some.hidden), weights.shape)
    rest = lost
    if (layer.rule.sinks is not None or layer.weights_alone) and looked_at.sharing is None:
        taken = numpy.clip(1 - weights.sum(axis=-1), 0, 1)
        rest = lost + numpy.where(taken > looked_at.rounding, taken, 0)
    given = rows.steps.weights
    kept, first, copies = looked_at.keys[rows.keys], looked_at.first, looked_at.copies
    if not kept.all():
        weights, visible, given = numpy.where(kept, weights, 0), visible & kept, None
    keys = numpy.arange(rows.keys.start, rows.keys.stop)
    places = numpy.arange(rows.rows.start, rows.rows.stop) + (layer.rule.query_offset or 0)
    distance = places[:, None] - keys  # (rows, keys)
    same = follows = numpy.zeros_like(distance, dtype=bool)
    if copies is not None:
        same = copies[rows.rows, None] == copies[keys]
        follows = (copies[rows.rows, None] == copies[keys - 1]) & (keys > 0)
    first = None if first is None or not rows.keys.start <= first < rows.keys.stop else first - rows.keys.start
    return Block(weights, rest, visible, distance, same, follows, looked_at.near, first, given)


def _sees_the_same(rule: Rule) -> bool:
    """Whether every head sees the same keys: no bias hides some, and no mask has heads of its own."""
    return rule.bias is None and (rule.mask is None or math.prod(rule.mask.shape[:-2]) == 1)


def _copies(trace: Trace, layer: Layer) -> numpy.ndarray | None:
    """A number for each token, the same for copies of it: the model's own, or one for each label whatever its case."""
    if _crossed(trace, layer):
        return None
    tokens = trace.query_tokens(layer)
    if known := trace.source.queries_of(layer).of(len(tokens)).ids:
        return numpy.array(known)
    numbers: dict[str, int] = {}
    return numpy.array([numbers.setdefault(token.casefold(), len(numbers)) for token in tokens])


def _crossed(trace: Trace, layer: Layer) -> bool:
    """Whether queries and keys are different texts."""
    return layer.kind == "cross" or trace.query_tokens(layer) != trace.key_tokens(layer)
