"""What each head does, in numbers: one value a head for each of a dozen questions, on exact weights.

Everything is a mean over the queries, added up row block by row block: what a text of 8,192 tokens needs is what one of
512 needs, and the trace. A value that a text cannot give (no token is repeated; query and key are other texts) is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy

from attnviz.arrays import to_numpy
from attnviz.choices import Metric
from attnviz.progress import Report, unheard
from attnviz.provenance import ids, side_of
from attnviz.rows import RowBlock, row_blocks
from attnviz.trace import Layer, Trace

NEAR = 8  # keys at a distance below this count as near

# (heads, rows): a value for each query; NaN where the question has no answer.
Values = numpy.ndarray


class Block(NamedTuple):
    """Some queries of some heads.

    weights    (heads, rows, keys); sink, (heads, rows): what a row leaves to no key
    visible    (heads, rows, keys): which keys each query may look at
    distance   (rows, keys): how far each key is behind each query
    same       (rows, keys): whether the key is a copy of the query's token, of itself too
    near       keys at a distance below this are near
    """

    weights: numpy.ndarray
    sink: numpy.ndarray
    visible: numpy.ndarray
    distance: numpy.ndarray
    same: numpy.ndarray
    near: int


def head_metrics(trace: Trace, layer: Layer, near: int = NEAR, report: Report = unheard) -> dict[Metric, numpy.ndarray]:
    """Every metric of every head of ``layer``, (heads,): the mean over the queries that have an answer.

    ``report`` hears how many rows are done, of how many.
    """
    done = 0
    metrics = [metric for metric in Metric if not (_crossed(trace, layer) and metric in OF_PLACES)]
    copies = _copies(trace, layer)
    totals, counts = ({metric: numpy.zeros(layer.heads) for metric in Metric} for _ in range(2))
    for rows in row_blocks(layer):
        block = _block(layer, rows, copies, near)
        sees = block.visible.any(axis=-1)  # a query that sees nothing has no answer to anything
        for metric in metrics:
            values = numpy.where(sees, COMPUTE[metric](block), math.nan)  # (heads, rows)
            totals[metric][rows.heads] += numpy.nansum(values, axis=-1)
            counts[metric][rows.heads] += (~numpy.isnan(values)).sum(axis=-1)
        done += sees.size
        report(done, layer.heads * layer.query.shape[1])
    return {metric: _ratio(totals[metric], counts[metric]) for metric in Metric}


def entropy(block: Block) -> Values:
    """−Σ w log₂ w in bits; a sink's share counts as one more key.

    How widely a head looks (Clark et al. 2019, "What Does BERT Look At?", 1906.04341, section 3.3).
    """
    logarithms = numpy.log2(numpy.where(block.weights > 0, block.weights, 1.0))
    own = block.sink * numpy.log2(numpy.where(block.sink > 0, block.sink, 1.0))
    return numpy.asarray(-numpy.einsum("hrk,hrk->hr", block.weights, logarithms) - own)


def evenness(block: Block) -> Values:
    """The entropy in parts of the largest that the mask allows, log₂ of the visible keys (and the sink): 0 … 1.

    Pielou 1966, "The Measurement of Diversity in Different Types of Biological Collections".
    """
    options = block.visible.sum(axis=-1) + (block.sink > 0)
    return _ratio(entropy(block), numpy.log2(numpy.maximum(options, 1)))


def largest(block: Block) -> Values:
    """The largest weight of the row: a head's confidence (Voita et al. 2019, 1905.09418, section 4)."""
    return numpy.asarray(block.weights.max(axis=-1))


def effective_keys(block: Block) -> Values:
    """(Σ w)² / Σ w²: how many keys share the weight, had all the same (the inverse participation ratio)."""
    return _ratio(block.weights.sum(axis=-1) ** 2, numpy.einsum("hrk,hrk->hr", block.weights, block.weights))


def first(block: Block) -> Values:
    """The weight on the first key, of queries that see another too (Xiao et al. 2023, attention sinks, 2309.17453)."""
    return numpy.where(block.visible[..., 1:].any(axis=-1), block.weights[..., 0], math.nan)


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
}
# They ask where a key stands, which means nothing when the keys are of another text.
OF_PLACES = frozenset({Metric.SELF, Metric.PREVIOUS, Metric.DUPLICATE, Metric.INDUCTION, Metric.DISTANCE, Metric.NEAR})


def _block(layer: Layer, rows: RowBlock, copies: numpy.ndarray | None, near: int) -> Block:
    weights = to_numpy(rows.steps.weights)
    sink = numpy.zeros(weights.shape[:2])
    if layer.rule.sinks is not None:
        sink = numpy.clip(1 - weights.sum(axis=-1), 0, 1)
    places = numpy.arange(rows.rows.start, rows.rows.stop)[:, None] + (layer.rule.query_offset or 0)
    distance = places - numpy.arange(weights.shape[-1])  # (rows, keys)
    same = numpy.zeros_like(distance, dtype=bool) if copies is None else copies[rows.rows, None] == copies
    return Block(weights, sink, to_numpy(rows.steps.masked) > -math.inf, distance, same, near)


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
