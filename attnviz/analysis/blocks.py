"""Some queries and heads of a layer at a time, so that nothing of queries × keys has to be held whole."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy

from attnviz.attention.arrays import Array, namespace, to_numpy
from attnviz.attention.formula import Steps
from attnviz.attention.known_weights import KnownWeights
from attnviz.attention.visibility import reach
from attnviz.trace.layer import Layer
from attnviz.trace.slices import seen_keys, some_heads, some_queries, weighed

NARROW = 256  # queries, which even so few keys are computed for together: each block has its price
ROWS = 16  # queries of all heads, from which on they are computed together
CELLS = 1 << 20  # of scores in one block: little enough for a processor's cache
WORKERS = 8  # blocks at once: each holds some 50 MiB


class RowBlock(NamedTuple):
    """Heads and queries that follow each other, the keys that causal and window let some of these queries see (one, where
    that is none), and their steps, (heads, rows, keys); no output."""

    heads: slice
    rows: slice
    keys: slice
    steps: Steps | KnownWeights


def ratio(above: numpy.ndarray, below: numpy.ndarray) -> numpy.ndarray:
    """above / below; NaN where below is 0."""
    return numpy.where(below > 0, above / numpy.where(below > 0, below, 1), math.nan)


@dataclass(frozen=True)
class Block:
    """Some queries of some heads, and the keys that some of them may look at: what a metric is computed from.

    Of several texts that stand below each other, all but ``distance`` has an axis of texts in front.

    weights    (heads, rows, keys): 0 for a key that is left out
    rest       (heads, rows): what a row gives to a sink and to the keys that are left out
    visible    (heads, rows, keys): which keys each query may look at, of those that are not left out
    distance   (rows, keys): how far each key is behind each query
    same       (rows, keys): whether the key is a copy of the query's token, of itself too
    follows    (rows, keys): whether the key comes right after a copy of the query's token
    near       keys at a distance below this are near
    first      the place of the first key that any query of any head may look at; None: it is not among these
    given      the same weights in the library that computed them; None: in NumPy, which takes ten times as long as torch to find the
               largest of a short row
    """

    weights: numpy.ndarray
    rest: numpy.ndarray
    visible: numpy.ndarray
    distance: numpy.ndarray
    same: numpy.ndarray
    follows: numpy.ndarray
    near: int
    first: int | None
    given: Array | None = None

    ratio = staticmethod(ratio)

    @cached_property
    def entropy(self) -> numpy.ndarray:
        """−Σ w log₂ w over the row and its rest, in bits.  (heads, rows)"""
        least = numpy.finfo(self.weights.dtype).tiny  # in place of 0, whose part is 0 all the same
        logarithms = numpy.log2(numpy.maximum(self.weights, least))
        rest = self.rest * numpy.log2(numpy.where(self.rest > 0, self.rest, 1.0))
        return numpy.asarray(-numpy.einsum("...k,...k->...", self.weights, logarithms) - rest)

    @cached_property
    def mass(self) -> numpy.ndarray:
        """Σ w.  (heads, rows)"""
        mass: numpy.ndarray = to_numpy(namespace(self._given).sum(self._given, axis=-1))
        return mass

    @property
    def largest(self) -> numpy.ndarray:
        """The largest weight of each row.  (heads, rows)"""
        largest: numpy.ndarray = to_numpy(namespace(self._given).max(self._given, axis=-1))
        return largest

    @property
    def _given(self) -> Array:
        return self.weights if self.given is None else self.given

    @cached_property
    def seen(self) -> numpy.ndarray:
        """How many keys a query may look at.  (heads, rows)"""
        return numpy.broadcast_to(numpy.count_nonzero(self._visible_once, axis=-1), self.weights.shape[:-1])

    @property
    def _visible_once(self) -> numpy.ndarray:
        """``visible``, of one head alone where all see the same.  (heads or 1, rows, keys)"""
        return self.visible[..., :1, :, :] if self.visible.strides[-3] == 0 else self.visible

    @property
    def even(self) -> Block:
        """The same queries, each looking at all keys alike that it may look at; of one head alone where all see the same."""
        visible = self._visible_once
        weights = visible / numpy.maximum(numpy.count_nonzero(visible, axis=-1), 1)[..., None]
        return replace(self, weights=weights, rest=numpy.zeros(visible.shape[:-1]), visible=visible, given=None)

    @property
    def largest_entropy(self) -> numpy.ndarray:
        """log₂ of how many keys a query may look at, its rest being one more; 0 for none.  (heads, rows)"""
        options = self.seen + (self.rest > 0)
        return numpy.asarray(numpy.log2(numpy.maximum(options, 1)))

    @property
    def squares(self) -> numpy.ndarray:
        """Σ w².  (heads, rows)"""
        return numpy.asarray(numpy.einsum("...k,...k->...", self.weights, self.weights))

    @property
    def on_first(self) -> numpy.ndarray:
        """The weight on the first key, of queries that see it and another; NaN for the others.  (heads, rows)"""
        if self.first is None:
            return numpy.full(self.rest.shape, math.nan)
        sees = self.visible[..., self.first] & (self.seen > 1)
        return numpy.where(sees, self.weights[..., self.first], math.nan)

    def mass_on(self, where: numpy.ndarray) -> numpy.ndarray:
        """The weight on the keys ``where``, (rows, keys), of the queries that may see such a key; NaN for the others.
        (heads, rows)"""
        weights, visible = (numpy.moveaxis(array, -3, 0) for array in (self.weights, self._visible_once))
        whole = numpy.broadcast_shapes(where.shape, weights.shape[1:])  # (rows, keys), of each text
        found = numpy.full((len(weights), math.prod(whole[:-1])), math.nan)
        places = numpy.nonzero(numpy.broadcast_to(where, whole))  # often few: the diagonal, the copies of a token
        if len(places[0]):
            some, starts = numpy.unique(numpy.ravel_multi_index(places[:-1], whole[:-1]), return_index=True)
            every: Any = (slice(None), *places)
            mass, there = (
                one.reduceat(numpy.broadcast_to(array, (len(array), *whole))[every], starts, axis=1)
                for one, array in ((numpy.add, weights), (numpy.logical_or, visible))
            )
            found[:, some] = numpy.where(there, mass, math.nan)
        return numpy.moveaxis(found.reshape(-1, *whole[:-1]), 0, -2)

    def at_distance(self, distance: int) -> numpy.ndarray:
        """``mass_on`` the one key that is so far behind each query; NaN where there is none, or the query may not see it.
        (heads, rows)"""
        found = numpy.full(self.weights.shape[:-1], math.nan)
        ahead = int(self.distance[0, 0]) - distance  # of the first query's place, so many keys
        mass, there = (numpy.diagonal(array, ahead, axis1=-2, axis2=-1) for array in (self.weights, self._visible_once))
        start = max(0, -ahead)
        found[..., start : start + mass.shape[-1]] = numpy.where(there, mass, math.nan)
        return found

    def weighted_sum(self, values: numpy.ndarray) -> numpy.ndarray:
        """Σ w · value, of a value for each pair, (rows, keys).  (heads, rows)"""
        return numpy.asarray(numpy.einsum("...rk,rk->...r", self.weights, values.astype(self.weights.dtype)))


def cuts(
    layer: Layer, heads: Collection[int], queries: range, cells: int = CELLS, as_one: bool = False
) -> list[tuple[slice, slice]]:
    """These heads and queries of ``layer`` in blocks of at most ``cells`` scores, (heads, rows); heads that share keys with
    one of them come along. What a block needs beside scores is the same for all heads, so all are together where there is
    room for enough rows, or where they are looked at ``as_one``."""
    keys = layer.keys
    rows = min(len(queries), ROWS) if len(heads) == layer.heads else len(queries)
    fits = as_one or layer.heads * rows * keys <= cells
    together = layer.heads if fits else layer.group  # the heads that share keys
    size = rows_of_a_block(layer, cells // together)
    return [
        (slice(first, first + together), slice(start, min(start + size, queries.stop)))
        for first in sorted({head // together * together for head in heads})
        for start in range(queries.start, queries.stop, size)
    ]


def rows_of_a_block(layer: Layer, cells: int) -> int:
    """How many queries there may be, so that they and the keys that they see make no more than so many cells."""
    size = cells // layer.keys
    distance = sum(reach(layer.rule))
    if distance < math.inf:
        most = math.sqrt(distance**2 / 4 + cells) - distance / 2  # so that most · (most + distance) = cells
        size = max(size, int(min(most, max(distance, NARROW))))  # more would for the greater part not see each other
    return max(1, size)


def row_block(layer: Layer, heads: slice, rows: slice) -> RowBlock:
    """One of the ``cuts`` of ``layer``, and its steps."""
    keys, some = seen_keys(some_queries(some_heads(layer, heads), rows.start, rows.stop))
    return RowBlock(heads, rows, keys, weighed(some))
