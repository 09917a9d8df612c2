"""Some queries of a layer at a time, so that nothing of queries × keys has to be held whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from attnviz.arrays import Array
from attnviz.attention import Steps
from attnviz.trace import Layer

CELLS = 1 << 20  # of all heads in one block: what T = 1,024 of one head needs, and little enough for a processor's cache


def rows(layer: Layer, start: int, stop: int) -> Layer:
    """The queries ``start`` … ``stop`` − 1 of ``layer`` alone, with the rule that holds for them."""
    rule, queries, keys = layer.rule, layer.query.shape[1], layer.key.shape[1]

    def cut(array: Array | None) -> Array | None:
        """(…, queries, keys) → (…, rows, keys)"""
        return array if array is None or array.ndim < 2 or array.shape[-2] == 1 else array[..., start:stop, :]

    sinks = rule.sinks
    if sinks is not None and sinks.ndim == 2:
        sinks = sinks[:, start:stop]
    rule = replace(
        rule, query_offset=rule.offset_for(queries, keys) + start, mask=cut(rule.mask), bias=cut(rule.bias), sinks=sinks
    )
    tokens = None if layer.tokens is None else layer.tokens[start:stop]
    return replace(layer, query=layer.query[:, start:stop], rule=rule, tokens=tokens, embeddings=None, positions=None)


def row_blocks(layer: Layer) -> Iterator[tuple[int, Steps]]:
    """All queries of ``layer``, in order: the first of each block, and the block's steps, (heads, rows, keys)."""
    queries, keys = layer.query.shape[1], layer.key.shape[1]
    size = max(1, CELLS // (layer.heads * keys))
    for start in range(0, queries, size):
        yield start, rows(layer, start, min(start + size, queries)).steps()
