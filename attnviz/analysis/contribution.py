"""What each key brings to each query's output, head by head, row block by row block (trace/contribution.py says what it is)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy

from attnviz.analysis.blocks import CELLS, RowBlock
from attnviz.attention.arrays import Array, to_numpy
from attnviz.attention.memory import require_memory
from attnviz.text.message import Message
from attnviz.trace.contribution import HeadContribution
from attnviz.trace.layer import Layer
from attnviz.trace.slices import some_queries, weighed

BLOCK = 1024  # keys whose vectors of all heads are held at once
BYTES = 8  # of a product


def contribution_norms(layer: Layer, head: int, rows: slice | None = None) -> Array:
    """‖α_ij v_j W_O^h‖ of the queries ``rows`` (None: all) of one head, (rows, keys); 0 where a key is hidden.

    AttnvizError where W_O of ``layer`` is not known. Kobayashi et al. 2020, 2004.10102, section 3.
    """
    contribution = HeadContribution(layer, head)
    start, stop, _ = (rows or slice(None)).indices(layer.queries)
    weights = weighed(some_queries(layer, start, stop), head).weights
    return contribution(weights, slice(start, stop))


def shares(contributions: numpy.ndarray) -> numpy.ndarray:
    """What each key has of the sizes of a query's contributions, (…, rows, keys): a row adds up to 1, or is 0 as they are."""
    sizes = abs(contributions)
    total = sizes.sum(axis=-1, keepdims=True)
    return numpy.asarray(sizes / numpy.where(total == 0, 1, total))


def shares_of_block(block: RowBlock, carries: Mapping[int, HeadContribution]) -> numpy.ndarray:
    """The shares of a block's heads, (heads, rows, keys); ``carries`` are those of the layer's heads, by their numbers."""
    weights = to_numpy(block.steps.weights)
    found = [
        to_numpy(carries[head](of_head, block.rows, block.keys))
        for head, of_head in enumerate(weights, start=block.heads.start)
    ]
    return shares(numpy.stack(found))


class SummedContribution:
    """How long the sum of all heads' contributions is for each pair, ‖Σ_h α_ij^h v_j W_O^h‖: of the layer as one.

    ‖Σ_h α^h f^h‖² = αᵀ G α with G = f fᵀ, (heads, heads) for each key: exact, and no vector for each pair is held.
    """

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._carries = [HeadContribution(layer, head) for head, _ in enumerate(layer.queried)]
        require_memory(
            layer.keys * layer.heads**2 * BYTES,
            Message("products of {heads} heads for each of {keys:,} keys", heads=layer.heads, keys=layer.keys),
            "give a shorter text",
        )
        starts = range(0, layer.keys, BLOCK)
        self._gram = numpy.concatenate([self._of_keys(slice(start, start + BLOCK)) for start in starts])

    def __call__(self, rows: slice) -> numpy.ndarray:
        """Of the queries ``rows``, (rows, keys)."""
        start, stop, _ = rows.indices(self._layer.queries)
        weights = to_numpy(weighed(some_queries(self._layer, start, stop)).weights).astype(numpy.float64)
        of_keys = weights.transpose(2, 1, 0)  # (keys, rows, heads)
        squares = (of_keys @ self._gram * of_keys).sum(axis=-1)
        return numpy.asarray(numpy.sqrt(numpy.maximum(squares, 0)).T)

    def _of_keys(self, keys: slice) -> numpy.ndarray:
        """The products of what each pair of heads makes of a key, (keys, heads, heads)."""
        vectors = numpy.stack([to_numpy(one.carried(keys)) for one in self._carries], axis=1).astype(numpy.float64)
        return numpy.asarray(vectors @ vectors.transpose(0, 2, 1))


def summed_norms(layer: Layer, rows: slice | None = None) -> numpy.ndarray:
    """‖Σ_h α_ij^h v_j W_O^h‖ of the queries ``rows`` (None: all), some at a time, (rows, keys); 0 where a key is hidden.

    AttnvizError where W_O of ``layer`` is not known. Kobayashi et al. 2020, 2004.10102, section 3.
    """
    start, stop, _ = (rows or slice(None)).indices(layer.queries)
    summed, size = SummedContribution(layer), max(1, CELLS // (layer.heads * layer.keys))
    return numpy.concatenate([summed(slice(one, min(one + size, stop))) for one in range(start, stop, size)])
