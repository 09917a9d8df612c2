"""What each key brings to the output of its layer through all heads together: the vector Σ_h α_ij^h · v_j W_O^h, as one number.

How long it is, ‖Σ_h α_ij^h v_j W_O^h‖ (Kobayashi et al. 2020, 2004.10102, section 3: what they measure of a layer): heads may
bring the same or cancel out, so it is no sum of their lengths. Along a ``Direction`` it is one, of numbers with signs.
"""

from __future__ import annotations

import numpy

from attnviz.attention.arrays import Array, to_numpy
from attnviz.attention.memory import require_memory
from attnviz.attention.threads import limit_blas
from attnviz.text.message import Message
from attnviz.trace.contribution import WHOLE, HeadContribution, Places
from attnviz.trace.layer import Layer
from attnviz.trace.slices import some_queries, weighed

CELLS = 1 << 20  # of the weights of all heads that are computed at a time
BLOCK = 1024  # keys whose vectors of all heads are held at once
BYTES = 8  # of a product


class SummedContribution:
    """The contributions of all heads of a layer, added up: what their weights become.

    ‖Σ_h α^h f^h‖² = αᵀ G α with G = f fᵀ, (heads, heads) for each key: exact, and no vector for each pair is held.
    AttnvizError where W_O of the layer is not known.
    """

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._carries = [HeadContribution(layer, head) for head, _ in enumerate(layer.queried)]
        self._gram = self._of_all_keys() if layer.toward is None else None  # (heads, heads, keys)

    def __call__(self, weights: Array, rows: Places = WHOLE, keys: Places = WHOLE) -> numpy.ndarray:
        """``weights`` of all heads, of these queries and keys, (heads, rows, keys), as one number a pair, (rows, keys)."""
        if self._gram is None:
            parts = (to_numpy(one(of, rows, keys)) for one, of in zip(self._carries, weights, strict=True))
            return numpy.asarray(sum(part.astype(numpy.float64) for part in parts))
        of_heads, squares = to_numpy(weights).astype(numpy.float64), 0.0
        for head, own in enumerate(
            of_heads
        ):  # sums of whole rows, which take half as long as a small product for each key
            brought = self._gram[head, head, keys] * own
            for other in range(head + 1, len(of_heads)):
                brought += 2 * self._gram[head, other, keys] * of_heads[other]
            brought *= own
            squares = squares + brought
        return numpy.asarray(numpy.sqrt(numpy.maximum(squares, 0)))

    def _of_all_keys(self) -> numpy.ndarray:
        """The products of what each pair of heads makes of a key.  (heads, heads, keys)"""
        layer = self._layer
        require_memory(
            layer.keys * layer.heads**2 * BYTES,
            Message("products of {heads} heads for each of {keys:,} keys", heads=layer.heads, keys=layer.keys),
            "give a shorter text",
        )
        starts = range(0, layer.keys, BLOCK)
        with limit_blas(1):  # each product is small: threads would wait for each other longer than they compute
            products = [self._products(slice(start, start + BLOCK)) for start in starts]
        return numpy.ascontiguousarray(numpy.concatenate(products).transpose(1, 2, 0))

    def _products(self, keys: slice) -> numpy.ndarray:
        """The same of some keys, (keys, heads, heads)."""
        vectors = numpy.stack([to_numpy(one.carried(keys)) for one in self._carries], axis=1).astype(numpy.float64)
        return numpy.asarray(vectors @ vectors.transpose(0, 2, 1))


def summed_contributions(layer: Layer, rows: slice = WHOLE) -> numpy.ndarray:
    """The contributions of all heads, added up, of the queries ``rows``, some at a time, (rows, keys); 0 where a key is hidden.

    AttnvizError where W_O of ``layer`` is not known.
    """
    start, stop, _ = rows.indices(layer.queries)
    summed, size = SummedContribution(layer), max(1, CELLS // (layer.heads * layer.keys))
    ends = [(one, min(one + size, stop)) for one in range(start, stop, size)]
    blocks = [summed(weighed(some_queries(layer, *some)).weights, slice(*some)) for some in ends]
    return numpy.concatenate(blocks)
