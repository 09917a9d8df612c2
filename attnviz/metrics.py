"""What each head does, in numbers: one value a head for each of a dozen questions, on exact weights.

Everything is a mean (or the largest) over the queries, put together row block by row block: what a text of 8,192 tokens
needs is what one of 512 needs, and the trace. A value that a text cannot give (no token is repeated; query and key are
other texts) is NaN.

Where some tokens are left out, the weights and the places stay those of the whole text: the mean is over the queries that
are left, and weight on a key that is left out is on no key. Only entropy and evenness, which need all of a row, count it
as one more key, together with what a sink takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import numpy

from attnviz.arrays import to_numpy
from attnviz.choices import Metric, Pool
from attnviz.progress import Report, unheard
from attnviz.provenance import ids, side_of
from attnviz.rows import CELLS, RowBlock, cuts, row_block, some_keys
from attnviz.trace import Layer, Trace

NEAR = 8  # keys at a distance below this count as near

# (heads, rows): a value for each query; NaN where the question has no answer.
Values = numpy.ndarray


class Block(NamedTuple):
    """Some queries of some heads.

    weights    (heads, rows, keys): 0 for a key that is left out
    rest       (heads, rows): what a row gives to a sink and to the keys that are left out
    visible    (heads, rows, keys): which keys each query may look at, of those that are not left out
    distance   (rows, keys): how far each key is behind each query
    same       (rows, keys): whether the key is a copy of the query's token, of itself too
    near       keys at a distance below this are near
    first      the first key that any query of any head may look at; None: there is none
    """

    weights: numpy.ndarray
    rest: numpy.ndarray
    visible: numpy.ndarray
    distance: numpy.ndarray
    same: numpy.ndarray
    near: int
    first: int | None


class Measured(NamedTuple):
    """What was measured of the heads of a layer: each metric, (heads,), and what a query gave on average to keys that are
    left out. NaN for heads that were not asked for."""

    metrics: dict[Metric, numpy.ndarray]
    left_out: numpy.ndarray


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
    return measured(trace, layer, near, heads=heads, only=only).metrics


def measured(
    trace: Trace,
    layer: Layer,
    near: int = NEAR,
    *,
    heads: Collection[int] | None = None,
    queries: Sequence[int] | None = None,
    keys: Sequence[int] | None = None,
    only: Collection[Metric] = tuple(Metric),
    pool: Pool = Pool.MEAN,
    report: Report = unheard,
) -> Measured:
    """The same, of these ``queries`` and ``keys`` alone (None: all), and the mean share that went to the other keys.

    ``pool`` says what stands for the queries: their mean, or the largest of them. ``report`` hears how much is done, of
    how much.
    """
    heads = range(layer.heads) if heads is None else heads
    metrics = [metric for metric in Metric if metric in only and not (_crossed(trace, layer) and metric in OF_PLACES)]
    kept_queries, kept_keys = _chosen(layer.query.shape[1], queries), _chosen(layer.key.shape[1], keys)
    looked_at = numpy.flatnonzero(kept_queries)
    span = range(int(looked_at[0]), int(looked_at[-1]) + 1)
    copies, first = _copies(trace, layer), _first_key(layer, kept_keys)
    totals, counts = ({metric: numpy.zeros(layer.heads) for metric in Metric} for _ in range(2))
    largest = {metric: numpy.full(layer.heads, math.nan) for metric in Metric}
    left_out = numpy.zeros(layer.heads)
    blocks = cuts(layer, heads, span)
    for number, cut in enumerate(blocks, start=1):
        rows = row_block(layer, *cut)
        lost = to_numpy(rows.steps.weights)[..., ~kept_keys].sum(axis=-1)  # (heads, rows)
        left_out[rows.heads] += lost[:, kept_queries[rows.rows]].sum(axis=-1)
        block = _block(layer, rows, copies, near, kept_keys, first, lost)
        # A query that sees nothing has no answer to anything.
        counted = block.visible.any(axis=-1) & kept_queries[rows.rows]
        for metric in metrics:
            values = numpy.where(counted, COMPUTE[metric](block), math.nan)  # (heads, rows)
            totals[metric][rows.heads] += numpy.nansum(values, axis=-1)
            counts[metric][rows.heads] += (~numpy.isnan(values)).sum(axis=-1)
            largest[metric][rows.heads] = numpy.fmax(largest[metric][rows.heads], numpy.fmax.reduce(values, axis=-1))
        report(number, len(blocks))
    asked = _chosen(layer.heads, tuple(heads))
    means = {metric: _ratio(totals[metric], counts[metric]) for metric in Metric}
    found = means if pool is Pool.MEAN else largest
    return Measured(
        {metric: numpy.where(asked, found[metric], math.nan) for metric in Metric},
        numpy.where(asked, left_out / len(looked_at), math.nan),
    )


def entropy(block: Block) -> Values:
    """−Σ w log₂ w in bits; what a sink and the keys that are left out take counts as one more key.

    How widely a head looks (Clark et al. 2019, "What Does BERT Look At?", 1906.04341, section 3.3).
    """
    logarithms = numpy.log2(numpy.where(block.weights > 0, block.weights, 1.0))
    rest = block.rest * numpy.log2(numpy.where(block.rest > 0, block.rest, 1.0))
    return numpy.asarray(-numpy.einsum("hrk,hrk->hr", block.weights, logarithms) - rest)


def evenness(block: Block) -> Values:
    """The entropy in parts of the largest that the mask allows, log₂ of the visible keys (and the one more): 0 … 1.

    Pielou 1966, "The Measurement of Diversity in Different Types of Biological Collections".
    """
    options = block.visible.sum(axis=-1) + (block.rest > 0)
    return _ratio(entropy(block), numpy.log2(numpy.maximum(options, 1)))


def largest(block: Block) -> Values:
    """The largest weight of the row: a head's confidence (Voita et al. 2019, 1905.09418, section 4)."""
    return numpy.asarray(block.weights.max(axis=-1))


def effective_keys(block: Block) -> Values:
    """(Σ w)² / Σ w²: how many keys share the weight, had all the same (the inverse participation ratio)."""
    return _ratio(block.weights.sum(axis=-1) ** 2, numpy.einsum("hrk,hrk->hr", block.weights, block.weights))


def first(block: Block) -> Values:
    """The weight on the first key, of queries that see it and another (Xiao et al. 2023, attention sinks, 2309.17453).

    Behind padding, the first key is the first that is no padding.
    """
    if block.first is None:
        return numpy.full(block.rest.shape, math.nan)
    sees = block.visible[..., block.first] & (block.visible.sum(axis=-1) > 1)
    return numpy.where(sees, block.weights[..., block.first], math.nan)


def itself(block: Block) -> Values:
    """The weight on the query's own token (Kovaleva et al. 2019, the diagonal pattern, 1908.08593)."""
    return _mass(block, block.distance == 0)


def previous(block: Block) -> Values:
    """The weight on the token before (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits")."""
    return _mass(block, block.distance == 1)


def duplicate(block: Block) -> Values:
    """The weight on earlier copies of the query's token, of queries that have one (Wang et al. 2022, 2211.00593)."""
    return _mass(block, block.same & (block.distance > 0))


def induction(block: Block) -> Values:
    """The weight on the tokens that followed earlier copies of the query's token, of queries that have one.

    Olsson et al. 2022, "In-context Learning and Induction Heads", 2209.11895. A follower that is the query itself, or
    stands after it, does not count.
    """
    after = numpy.zeros_like(block.same)
    after[:, 1:] = block.same[:, :-1]
    return _mass(block, after & (block.distance > 0))


def distance(block: Block) -> Values:
    """Σ w · |query − key| / Σ w, in tokens (Vig and Belinkov 2019, 1906.04284, section 4)."""
    lengths = abs(block.distance).astype(block.weights.dtype)
    return _ratio(numpy.einsum("hrk,rk->hr", block.weights, lengths), block.weights.sum(axis=-1))


def near(block: Block) -> Values:
    """The weight on keys nearer than ``Block.near`` (Beltagy et al. 2020, the local window of Longformer, 2004.05150)."""
    inside = (abs(block.distance) < block.near).astype(block.weights.dtype)
    return numpy.asarray(numpy.einsum("hrk,rk->hr", block.weights, inside))


def mass(block: Block) -> Values:
    """Σ w: what sinks, and keys that are left out, leave to those that are looked at."""
    return numpy.asarray(block.weights.sum(axis=-1))


COMPUTE: dict[Metric, Callable[[Block], Values]] = {
    Metric.ENTROPY: entropy,
    Metric.EVENNESS: evenness,
    Metric.LARGEST: largest,
    Metric.EFFECTIVE_KEYS: effective_keys,
    Metric.FIRST: first,
    Metric.SELF: itself,
    Metric.PREVIOUS: previous,
    Metric.DUPLICATE: duplicate,
    Metric.INDUCTION: induction,
    Metric.DISTANCE: distance,
    Metric.NEAR: near,
    Metric.MASS: mass,
}
# They ask where a key stands, which means nothing when the keys are of another text.
OF_PLACES = frozenset({Metric.SELF, Metric.PREVIOUS, Metric.DUPLICATE, Metric.INDUCTION, Metric.DISTANCE, Metric.NEAR})


def _chosen(count: int, positions: Sequence[int] | None) -> numpy.ndarray:
    """Whether each of ``count`` positions is one of ``positions``, (count,)."""
    chosen = numpy.full(count, positions is None)
    chosen[list(positions or ())] = True
    return chosen


def _first_key(layer: Layer, kept: numpy.ndarray) -> int | None:
    """The first of the ``kept`` keys that any query may look at: of most layers the first that is asked for."""
    start, step = int(kept.argmax()), 1
    most = max(1, CELLS // (layer.heads * layer.query.shape[1]))
    while start < len(kept):
        stop = min(start + step, len(kept))
        visible = ~to_numpy(some_keys(layer, start, stop).steps().hidden)  # (heads, queries, some keys)
        if len(seen := numpy.flatnonzero(visible.any(axis=(0, 1)) & kept[start:stop])):
            return start + int(seen[0])
        start, step = stop, min(2 * step, most)
    return None


def _block(
    layer: Layer,
    rows: RowBlock,
    copies: numpy.ndarray | None,
    near: int,
    kept: numpy.ndarray,
    first: int | None,
    lost: numpy.ndarray,
) -> Block:
    weights, visible = to_numpy(rows.steps.weights), ~to_numpy(rows.steps.hidden)
    rest = lost if layer.rule.sinks is None else lost + numpy.clip(1 - weights.sum(axis=-1), 0, 1)
    if not kept.all():
        weights, visible = numpy.where(kept, weights, 0), visible & kept
    places = numpy.arange(rows.rows.start, rows.rows.stop)[:, None] + (layer.rule.query_offset or 0)
    distance = places - numpy.arange(weights.shape[-1])  # (rows, keys)
    same = numpy.zeros_like(distance, dtype=bool) if copies is None else copies[rows.rows, None] == copies
    return Block(weights, rest, visible, distance, same, near, first)


def _copies(trace: Trace, layer: Layer) -> numpy.ndarray | None:
    """A number for each token, the same for copies of it: the model's own, or one for each label whatever its case."""
    if _crossed(trace, layer):
        return None
    tokens = trace.query_tokens(layer)
    known = ids(trace, side_of(trace, layer))
    if len(known) == len(tokens):
        return numpy.array(known)
    return numpy.unique([token.casefold() for token in tokens], return_inverse=True)[1]


def _crossed(trace: Trace, layer: Layer) -> bool:
    """Whether queries and keys are different texts."""
    return layer.kind == "cross" or trace.query_tokens(layer) != trace.key_tokens(layer)


def _mass(block: Block, where: numpy.ndarray) -> Values:
    """The weight on the keys ``where``, (rows, keys), of the queries that may see such a key."""
    keys = numpy.flatnonzero(where.any(axis=0))
    if not len(keys):
        return numpy.full(block.weights.shape[:2], math.nan)
    some = slice(int(keys[0]), int(keys[-1]) + 1)  # often few: the diagonal of these rows
    weights, where = block.weights[..., some], where[:, some]
    there = (block.visible[..., some] & where).any(axis=-1)
    return numpy.where(there, numpy.einsum("hrk,rk->hr", weights, where.astype(weights.dtype)), math.nan)


def _ratio(above: numpy.ndarray, below: numpy.ndarray) -> numpy.ndarray:
    """above / below; NaN where below is 0."""
    return numpy.where(below > 0, above / numpy.where(below > 0, below, 1), math.nan)
