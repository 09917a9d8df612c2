"""What each key brings to the output of its layer through all heads together: the vector Σ_h α_ij^h · v_j W_O^h, as one number.

How long it is, ‖Σ_h α_ij^h v_j W_O^h‖ (Kobayashi et al. 2020, 2004.10102, section 3: what they measure of a layer): heads may
bring the same or cancel out, so it is no sum of their lengths. Along a ``Direction`` it is one, of numbers with signs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from attnviz.attention.arrays import Array, overflow_unspoken, to_numpy
from attnviz.attention.checks import require_finite
from attnviz.attention.memory import require_memory
from attnviz.attention.threads import limit_blas
from attnviz.text.message import Message
from attnviz.trace.contribution import WHOLE, YIELDED, HeadContribution, Places, form_of_heads, require_known
from attnviz.trace.layer import Layer
from attnviz.trace.slices import some_queries, weighed

CELLS = 1 << 20  # of the weights of all heads that are computed at a time
BLOCK = 1024  # keys whose vectors of all heads are held at once
BYTES = 8  # of a product
CACHED = 1 << 14  # pairs of a query and a key whose heads are added up at a time, in a processor's cache


class SummedContribution:
    """The contributions of all heads of a layer, added up: what their weights become.

    ‖Σ_h α^h f^h‖² = αᵀ G α with G = f fᵀ, (heads, heads) for each key: exact, and no vector for each pair is held.
    AttnvizError where W_O of the layer is not known.
    """

    def __init__(self, layer: Layer) -> None:
        require_known(layer)
        self._layer, heads = layer, [head for head, _ in enumerate(layer.queried)]
        self._form = form_of_heads(layer, heads) if layer.toward is not None else None
        self._gram = self._of_all_keys() if self._form is None else None  # (heads, heads, keys)

    def __call__(self, weights: Array, rows: Places = WHOLE, keys: Places = WHOLE) -> numpy.ndarray:
        """``weights`` of all heads, of these queries and keys, (heads, rows, keys), as one number a pair, (rows, keys)."""
        of_heads = to_numpy(weights)
        if self._form is not None:
            factors = to_numpy(self._form(rows, keys))
            factors = numpy.broadcast_to(factors, of_heads.shape)
            return numpy.asarray(numpy.einsum("hrk,hrk->rk", of_heads, factors, dtype=numpy.float64))
        assert self._gram is not None
        gram, squares = self._gram[..., keys], numpy.zeros(of_heads.shape[1:])
        size = max(1, CACHED // of_heads.shape[-1])
        for some in (slice(start, start + size) for start in range(0, of_heads.shape[1], size)):
            brought = of_heads[:, some].astype(numpy.float64)
            for head, own in enumerate(
                brought
            ):  # the pairs of two heads once: their products stand doubled in the Gram matrix
                squares[some] += numpy.einsum("ok,ork->rk", gram[head, head:], brought[head:]) * own
        return numpy.asarray(numpy.sqrt(numpy.maximum(squares, 0)))

    def _of_all_keys(self) -> numpy.ndarray:
        """The products of what each pair of heads makes of a key, those of two heads doubled.  (heads, heads, keys)"""
        layer = self._layer
        require_memory(
            layer.keys * layer.heads**2 * BYTES,
            Message("products of {heads} heads for each of {keys:,} keys", heads=layer.heads, keys=layer.keys),
            "give a shorter text",
        )
        starts = range(0, layer.keys, BLOCK)
        with limit_blas(1):  # each product is small: threads would wait for each other longer than they compute
            products = [_products(layer, slice(start, start + BLOCK)) for start in starts]
        gram = numpy.ascontiguousarray(numpy.concatenate(products).transpose(1, 2, 0))
        return numpy.asarray(gram * (2 - numpy.eye(layer.heads))[..., None])


def _products(layer: Layer, keys: slice) -> numpy.ndarray:
    """The products of what each pair of heads makes of some keys, (keys, heads, heads)."""
    vectors = carried_by_heads(layer, range(layer.heads), keys)
    with overflow_unspoken():
        products = vectors @ vectors.transpose(0, 2, 1)
    require_finite(products, YIELDED)
    return numpy.asarray(products)


def carried_by_heads(layer: Layer, heads: Sequence[int], keys: slice) -> numpy.ndarray:
    """What these heads make of some keys, v_j W_O^h, finite or not, in float64.  (keys, heads, d_out)"""
    first, *others = (HeadContribution(layer, head) for head in heads)
    carried = to_numpy(first.through(keys))
    vectors = numpy.empty((len(carried), len(heads), carried.shape[-1]))
    vectors[:, 0] = carried
    for place, one in enumerate(others, 1):
        vectors[:, place] = to_numpy(one.through(keys))
    return vectors


def summed_contributions(layer: Layer, rows: slice = WHOLE) -> numpy.ndarray:
    """The contributions of all heads, added up, of the queries ``rows``, some at a time, (rows, keys); 0 where a key is hidden.

    AttnvizError where W_O of ``layer`` is not known.
    """
    start, stop, _ = rows.indices(layer.queries)
    summed, size = SummedContribution(layer), max(1, CELLS // (layer.heads * layer.keys))
    ends = [(one, min(one + size, stop)) for one in range(start, stop, size)]
    blocks = [summed(weighed(some_queries(layer, *some)).weights, slice(*some)) for some in ends]
    return numpy.concatenate(blocks)
