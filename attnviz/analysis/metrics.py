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
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy

from attnviz.choices import Metric

# (heads, rows): a value for each query; NaN where the question has no answer.
Values = numpy.ndarray


@dataclass(frozen=True)
class Block:
    """Some queries of some heads, and the keys that some of them may look at.

    weights    (heads, rows, keys): 0 for a key that is left out
    rest       (heads, rows): what a row gives to a sink and to the keys that are left out
    visible    (heads, rows, keys): which keys each query may look at, of those that are not left out
    distance   (rows, keys): how far each key is behind each query
    same       (rows, keys): whether the key is a copy of the query's token, of itself too
    follows    (rows, keys): whether the key comes right after a copy of the query's token
    near       keys at a distance below this are near
    first      the place of the first key that any query of any head may look at; None: it is not among these
    """

    weights: numpy.ndarray
    rest: numpy.ndarray
    visible: numpy.ndarray
    distance: numpy.ndarray
    same: numpy.ndarray
    follows: numpy.ndarray
    near: int
    first: int | None

    @cached_property
    def entropy(self) -> Values:
        """(heads, rows), in bits: see ``entropy``."""
        weights = numpy.where(self.weights > 0, self.weights, 1)
        rest = self.rest * numpy.log2(numpy.where(self.rest > 0, self.rest, 1.0))
        return numpy.asarray(-numpy.einsum("hrk,hrk->hr", weights, numpy.log2(weights)) - rest)


def entropy(block: Block) -> Values:
    """−Σ w log₂ w in bits; what a sink and the keys that are left out take counts as one more key.

    How widely a head looks (Clark et al. 2019, "What Does BERT Look At?", 1906.04341, section 3.3).
    """
    return block.entropy


def evenness(block: Block) -> Values:
    """The entropy in parts of the largest that the mask allows, log₂ of the visible keys (and the one more): 0 … 1.

    Pielou 1966, "The Measurement of Diversity in Different Types of Biological Collections".
    """
    options = block.visible.sum(axis=-1) + (block.rest > 0)
    return ratio(block.entropy, numpy.log2(numpy.maximum(options, 1)))


def largest(block: Block) -> Values:
    """The largest weight of the row: a head's confidence (Voita et al. 2019, 1905.09418, section 4)."""
    return numpy.asarray(block.weights.max(axis=-1))


def effective_keys(block: Block) -> Values:
    """(Σ w)² / Σ w²: how many keys share the weight, had all the same (the inverse participation ratio)."""
    return ratio(block.weights.sum(axis=-1) ** 2, numpy.einsum("hrk,hrk->hr", block.weights, block.weights))


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
    return _mass(block, block.follows & (block.distance > 0))


def distance(block: Block) -> Values:
    """Σ w · |query − key| / Σ w, in tokens (Vig and Belinkov 2019, 1906.04284, section 4)."""
    lengths = abs(block.distance).astype(block.weights.dtype)
    return ratio(numpy.einsum("hrk,rk->hr", block.weights, lengths), block.weights.sum(axis=-1))


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


def _mass(block: Block, where: numpy.ndarray) -> Values:
    """The weight on the keys ``where``, (rows, keys), of the queries that may see such a key."""
    keys = numpy.flatnonzero(where.any(axis=0))
    if not len(keys):
        return numpy.full(block.weights.shape[:2], math.nan)
    some = slice(int(keys[0]), int(keys[-1]) + 1)  # often few: the diagonal of these rows
    weights, where = block.weights[..., some], where[:, some]
    there = (block.visible[..., some] & where).any(axis=-1)
    return numpy.where(there, numpy.einsum("hrk,rk->hr", weights, where.astype(weights.dtype)), math.nan)


def ratio(above: numpy.ndarray, below: numpy.ndarray) -> numpy.ndarray:
    """above / below; NaN where below is 0."""
    return numpy.where(below > 0, above / numpy.where(below > 0, below, 1), math.nan)
