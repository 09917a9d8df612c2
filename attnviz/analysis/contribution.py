"""What each key brings to each query's output, head by head, row block by row block (trace/contribution.py says what it is)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy

from attnviz.analysis.blocks import RowBlock
from attnviz.attention.arrays import Array, to_numpy
from attnviz.trace.contribution import HeadContribution
from attnviz.trace.layer import Layer
from attnviz.trace.slices import some_queries, weighed


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
