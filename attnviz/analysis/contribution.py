"""What each key brings to each query's output, head by head, row block by row block (trace/contribution.py says what it is)."""

from __future__ import annotations

from attnviz.attention.arrays import Array
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
