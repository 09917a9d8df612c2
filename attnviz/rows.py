"""Some queries and heads of a layer at a time, so that nothing of queries × keys has to be held whole."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from attnviz.attention.formula import Steps
from attnviz.pooling.cells import band, reach
from attnviz.trace import Layer

NARROW = 256  # queries, which even so few keys are computed for together: each block has its price
CELLS = 1 << 20  # of scores in one block: little enough for a processor's cache
WORKERS = 8  # blocks at once: each holds some 50 MiB


class RowBlock(NamedTuple):
    """Heads and queries that follow each other, the keys that causal and window let some of these queries see (one, where
    that is none), and their steps, (heads, rows, keys); no output."""

    heads: slice
    rows: slice
    keys: slice
    steps: Steps


def cuts(layer: Layer, heads: Collection[int], queries: range) -> list[tuple[slice, slice]]:
    """These heads and queries of ``layer`` in blocks, (heads, rows); heads that share keys with one of them come along."""
    keys = layer.key.shape[1]
    group = layer.heads // layer.key.shape[0]  # the heads that share keys stay together
    together = layer.heads if layer.heads * len(queries) * keys <= CELLS else group
    size = rows_of_a_block(layer, CELLS // together)
    return [
        (slice(first, first + together), slice(start, min(start + size, queries.stop)))
        for first in sorted({head // together * together for head in heads})
        for start in range(queries.start, queries.stop, size)
    ]


def rows_of_a_block(layer: Layer, cells: int) -> int:
    """How many queries there may be, so that they and the keys that they see make no more than so many cells."""
    size = cells // int(layer.key.shape[1])
    distance = sum(reach(layer.rule))
    if distance < math.inf:
        most = math.sqrt(distance**2 / 4 + cells) - distance / 2  # so that most · (most + distance) = cells
        size = max(size, int(min(most, max(distance, NARROW))))  # more would for the greater part not see each other
    return max(1, size)


def row_block(layer: Layer, heads: slice, rows: slice) -> RowBlock:
    """One of the ``cuts`` of ``layer``, and its steps."""
    keys, some = seen_keys(some_rows(some_heads(layer, heads), rows.start, rows.stop))
    return RowBlock(heads, rows, keys, replace(some, value=some.value[..., :1]).steps())


def seen_keys(layer: Layer) -> tuple[slice, Layer]:
    """The keys of ``layer`` that causal and window let some of its queries see (one, where that is none), and the layer of
    these alone: its weights and outputs are the same, and of a causal layer's half of the cells are left."""
    queries, keys = layer.query.shape[1], layer.key.shape[1]
    begin, end = band(layer.rule, 0, queries, queries, keys)
    begin = min(begin, keys - 1)
    end = max(end, begin + 1)
    return slice(begin, end), layer if end - begin == keys else some_keys(layer, begin, end)


def some_rows(layer: Layer, start: int, stop: int) -> Layer:
    """The queries ``start`` … ``stop`` − 1 of ``layer`` alone, with the rule that holds for them."""
    rule = layer.rule.of_queries(start, stop, layer.query.shape[1], layer.key.shape[1])
    return Layer(layer.query[:, start:stop], layer.key, layer.value, rule, layer.index, layer.name, layer.kind)


def some_keys(layer: Layer, start: int, stop: int) -> Layer:
    """The keys ``start`` … ``stop`` − 1 of ``layer`` alone, which are hidden where they were; the weights are others."""
    rule = layer.rule.of_keys(start, stop, layer.query.shape[1], layer.key.shape[1])
    key, value = layer.key[:, start:stop], layer.value[:, start:stop]
    return Layer(layer.query, key, value, rule, layer.index, layer.name, layer.kind)


def some_heads(layer: Layer, heads: slice) -> Layer:
    """These heads of ``layer`` alone; they begin and end with a group that shares its keys."""
    group = layer.heads // layer.key.shape[0]
    shared = slice(heads.start // group, heads.stop // group)
    query, key, value = layer.query[heads], layer.key[shared], layer.value[shared]
    return Layer(query, key, value, layer.rule.of_heads(heads), layer.index, layer.name, layer.kind)
