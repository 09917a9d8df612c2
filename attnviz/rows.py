"""Some queries and heads of a layer at a time, so that nothing of queries × keys has to be held whole."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from attnviz.arrays import Array
from attnviz.attention import Steps
from attnviz.trace import Layer

CELLS = 1 << 20  # of scores in one block: little enough for a processor's cache


class RowBlock(NamedTuple):
    """Heads and queries that follow each other, and their steps, (heads, rows, keys)."""

    heads: slice
    rows: slice
    steps: Steps


def cuts(layer: Layer, heads: Collection[int], queries: range) -> list[tuple[slice, slice]]:
    """These heads and queries of ``layer`` in blocks, (heads, rows); heads that share keys with one of them come along."""
    keys = layer.key.shape[1]
    group = layer.heads // layer.key.shape[0]  # the heads that share keys stay together
    together = layer.heads if layer.heads * len(queries) * keys <= CELLS else group
    size = max(1, CELLS // (together * keys))
    return [
        (slice(first, first + together), slice(start, min(start + size, queries.stop)))
        for first in sorted({head // together * together for head in heads})
        for start in range(queries.start, queries.stop, size)
    ]


def row_block(layer: Layer, heads: slice, rows: slice) -> RowBlock:
    """One of the ``cuts`` of ``layer``, and its steps."""
    return RowBlock(heads, rows, some_rows(some_heads(layer, heads), rows.start, rows.stop).steps())


def some_rows(layer: Layer, start: int, stop: int) -> Layer:
    """The queries ``start`` … ``stop`` − 1 of ``layer`` alone, with the rule that holds for them."""
    rule = layer.rule.of_queries(start, stop, layer.query.shape[1], layer.key.shape[1])
    return Layer(layer.query[:, start:stop], layer.key, layer.value, rule, layer.index, layer.name, layer.kind)


def some_keys(layer: Layer, start: int, stop: int) -> Layer:
    """The keys ``start`` … ``stop`` − 1 of ``layer`` alone, which are hidden where they were; the weights are others."""
    rule, queries, keys = layer.rule, layer.query.shape[1], layer.key.shape[1]

    def cut(array: Array | None) -> Array | None:
        """(…, queries, keys) → (…, queries, some keys)"""
        return array if array is None or array.shape[-1] == 1 else array[..., start:stop]

    offset = rule.offset_for(queries, keys) - start
    rule = replace(rule, query_offset=offset, mask=cut(rule.mask), bias=cut(rule.bias))
    key, value = layer.key[:, start:stop], layer.value[:, start:stop]
    return Layer(layer.query, key, value, rule, layer.index, layer.name, layer.kind)


def some_heads(layer: Layer, heads: slice) -> Layer:
    """These heads of ``layer`` alone; they begin and end with a group that shares its keys."""
    group = layer.heads // layer.key.shape[0]
    shared = slice(heads.start // group, heads.stop // group)

    def cut(array: Array | None) -> Array | None:
        """(heads, queries, keys) → some of them; what all heads share stays."""
        return array if array is None or array.ndim < 3 or array.shape[0] == 1 else array[heads]

    sinks = None if layer.rule.sinks is None else layer.rule.sinks[heads]
    rule = replace(layer.rule, mask=cut(layer.rule.mask), bias=cut(layer.rule.bias), sinks=sinks)
    query, key, value = layer.query[heads], layer.key[shared], layer.value[shared]
    return Layer(query, key, value, rule, layer.index, layer.name, layer.kind)
