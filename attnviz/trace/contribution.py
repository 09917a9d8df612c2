"""What each key brings to the output of its layer through one head: the vector α_ij · v_j W_O^h, as one number.

How long it is: ‖α_ij v_j W_O^h‖ = α_ij · ‖v_j W_O^h‖ (Kobayashi et al. 2020, "Attention is Not Only a Weight: Analyzing
Transformers with Vector Norms", 2004.10102, section 3). Or, signed, how far it goes along a ``Direction``. Either is the
weight times a factor that is one number for each key, or for each pair, so that no vectors of queries × keys are held.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy

from attnviz.attention.arrays import Array, as_floating, like, namespace, overflow_unspoken
from attnviz.attention.checks import require_finite
from attnviz.attention.known_weights import weights_alone
from attnviz.choices import Step
from attnviz.errors import AttnvizError
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.trace.layer import Layer

WHOLE = slice(None)
Places = slice | numpy.ndarray  # some that follow each other, or the positions of a few
LEAST = 1e-30  # of a sum of squares that lost nothing to underflow in single precision
YIELDED = Message("what the projection yields")
BLOCK = 4096  # keys whose vectors of d_out numbers are held at once


def is_known(layer: Layer) -> bool:
    """Whether it is known what becomes of the values of ``layer``: W_O, or that there is none."""
    return not layer.weights_alone and ("output" in layer.projections or is_unprojected(layer))


def is_unprojected(layer: Layer) -> bool:
    """Whether the values are what the layer reads, of one head without projections: its output goes through no W_O either."""
    inputs = layer.inputs
    if inputs is None or layer.projections or layer.weights_alone or layer.heads > 1:
        return False
    return layer.value.shape[1:] == inputs.shape and bool((layer.value[0] == like(layer.value, inputs)).all())


def require_known(layer: Layer, why: str = "") -> None:
    """Raise the AttnvizError that names ``layer`` where W_O is not known; ``why``, where that is known, is its hint."""
    if layer.weights_alone:
        raise weights_alone(Step.CONTRIBUTION)
    if not is_known(layer):
        raise AttnvizError(
            "W_O of {layer} is not known, and a contribution needs it",
            why or "capture keeps W_O, unless it is told --no-output-projection",
            layer=layer.title if layer.stack else Message("layer {layer}", layer=layer.index),
        )


class HeadContribution:
    """The contributions of one head: what its weights are multiplied with, in float32 or better."""

    def __init__(self, layer: Layer, head: int) -> None:
        require_known(layer)
        self._value = as_floating(layer.value[layer.kv_head(head)], "value")  # (keys, d_v)
        self.toward = layer.toward
        self._weight = None if is_unprojected(layer) else _rows_of_head(layer, head, self._value)  # (d_v, d_out)

    def __call__(self, weights: Array, rows: Places = WHOLE, keys: Places = WHOLE) -> Array:
        """``weights`` of these queries and keys, (rows, keys), as contributions."""
        return weights * like(weights, self.factors(rows, keys))

    def factors(self, rows: Places = WHOLE, keys: Places = WHOLE) -> Array:
        """‖v_j W_O^h‖ of these keys, (keys,); along the layer's direction, v_j W_O^h · u_i with its sign, (rows or 1, keys)."""
        if self.toward is None:
            return self._norms[keys] if isinstance(keys, slice) else lengths(self.carried(keys))
        pulled = self.pulled
        return (pulled if pulled.shape[0] == 1 else pulled[rows]) @ self._value[keys].T

    def prepare(self) -> None:
        """Compute what is the same for all weights, as ``factors`` would when it is first asked."""
        _ = self._norms if self.toward is None else self.pulled

    @cached_property
    def _norms(self) -> Array:
        xp = namespace(self._value)
        starts = range(0, self._value.shape[0], BLOCK)
        return xp.concat([lengths(self._through(slice(start, start + BLOCK))) for start in starts])

    @cached_property
    def pulled(self) -> Array:
        """What a value is multiplied with to be its part along the layer's direction, which there is.  (queries or 1, d_v)"""
        assert self.toward is not None
        with overflow_unspoken():
            pulled = self.toward.pulled(self._weight, self._value)
        require_finite(pulled, Message("the direction"))
        return pulled

    def carried(self, keys: Places = WHOLE) -> Array:
        """What these values become on their way through the head's rows of W_O: v_j W_O^h.  (keys, d_out)"""
        result = self._through(keys)
        require_finite(result, YIELDED)
        return result

    def _through(self, keys: Places) -> Array:
        """The same, finite or not."""
        value = self._value[keys]
        with overflow_unspoken():
            return value if self._weight is None else value @ self._weight


def lengths(vectors: Array) -> Array:
    """The Euclidean length of each of ``vectors``, (…, d), however large or small their numbers are, (…,); AttnvizError where one
    is not finite."""
    xp = namespace(vectors)
    with overflow_unspoken():
        squares = xp.vecdot(vectors, vectors)
    if float(xp.min(squares)) > LEAST and float(xp.max(squares)) < math.inf:
        return xp.sqrt(squares)
    require_finite(vectors, YIELDED)
    largest = xp.max(xp.abs(vectors), axis=-1)
    unit = xp.where(largest == 0, 1.0, largest)
    return largest * xp.sqrt(xp.sum((vectors / unit[..., None]) ** 2, axis=-1))


def _rows_of_head(layer: Layer, head: int, value: Array) -> Array:
    """The rows of W_O that the output of one head is multiplied with, beside ``value``.  (d_v, d_out)"""
    width = value.shape[-1]
    weight = layer.projections["output"].weight
    return like(value, as_floating(weight[head * width : (head + 1) * width], "weight"))
