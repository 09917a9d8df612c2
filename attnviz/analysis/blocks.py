"""Some queries and heads of a layer at a time, so that nothing of queries × keys has to be held whole."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from attnviz.attention.formula import Steps
from attnviz.attention.visibility import reach
from attnviz.trace.layer import Layer
from attnviz.trace.slices import seen_keys, some_heads, some_rows

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
