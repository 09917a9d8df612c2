"""What each key brings to the output of its layer through all heads together: the vector Σ_h α_ij^h · v_j W_O^h, as one number.

How long it is, ‖Σ_h α_ij^h v_j W_O^h‖ (Kobayashi et al. 2020, 2004.10102, section 3: what they measure of a layer): heads may
bring the same or cancel out, so it is no sum of their lengths. Along a ``Direction`` it is one, of numbers with signs.
"""

from __future__ import annotations

import numpy

from attnviz.attention.arrays import Array, to_numpy
from attnviz.attention.memory import require_memory
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
        self._gram = self._of_all_keys() if layer.toward is None else None  # (keys, heads, heads)

    def __call__(self, weights: Array, rows: Places = WHOLE, keys: Places = WHOLE) -> numpy.ndarray:
        """``weights`` of all heads, of these queries and keys, (heads, rows, keys), as one number a pair, (rows, keys)."""
        if self._gram is None:
            parts = (to_numpy(one(of, rows, keys)) for one, of in zip(self._carries, weights, strict=True))
            return numpy.asarray(sum(part.astype(numpy.float64) for part in parts))
        of_keys = to_numpy(weights).astype(numpy.float64).transpose(2, 1, 0)  # (keys, rows, heads)
        squares = numpy.einsum("krh,krh->rk", of_keys @ self._gram[keys], of_keys)
        return numpy.asarray(numpy.sqrt(numpy.maximum(squares, 0)))

    def _of_all_keys(self) -> numpy.ndarray:
        """The products of what each pair of heads makes of a key.  (keys, heads, heads)"""
        layer = self._layer
        require_memory(
            layer.keys * layer.heads**2 * BYTES,
            Message("products of {heads} heads for each of {keys:,} keys", heads=layer.heads, keys=layer.keys),
            "give a shorter text",
        )
        starts = range(0, layer.keys, BLOCK)
        return numpy.concatenate([self._products(slice(start, start + BLOCK)) for start in starts])

    def _products(self, keys: slice) -> numpy.ndarray:
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
