"""What each key of a head gets, on average over some queries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.trace.layer import Layer

CELLS = 1 << 22  # of weights that are held at a time


def mean_weights(layer: Layer, head: int, queries: Sequence[int]) -> numpy.ndarray:
    """The mean weight of each key over ``queries``, positions in their order, (keys,)."""
    total = numpy.zeros(layer.keys)
    for block in _blocks(queries, max(1, CELLS // layer.keys)):
        rows = to_numpy(layer.steps(head, range(block[0], block[-1] + 1)).weights).astype(numpy.float64)
        total += rows[[query - block[0] for query in block]].sum(axis=0)
    return total / len(queries)


def _blocks(queries: Sequence[int], most: int) -> list[list[int]]:
    """``queries`` in runs that reach over no more than ``most`` positions."""
    blocks: list[list[int]] = []
    for query in queries:
        if blocks and query - blocks[-1][0] < most:
            blocks[-1].append(query)
        else:
            blocks.append([query])
    return blocks
