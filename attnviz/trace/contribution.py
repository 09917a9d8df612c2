"""What each key brings to the output of its layer through one head: the vector α_ij · v_j W_O^h, as one number.

How long it is: ‖α_ij v_j W_O^h‖ = α_ij · ‖v_j W_O^h‖ (Kobayashi et al. 2020, "Attention is Not Only a Weight: Analyzing
Transformers with Vector Norms", 2004.10102, section 3). Or, signed, how far it goes along a ``Direction``. Either is the
weight times a factor that is one number for each key, or for each pair, so that no vectors of queries × keys are held.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import numpy

from attnviz.attention.arrays import Array, as_floating, is_torch, like, namespace, overflow_unspoken
from attnviz.attention.checks import require_finite
from attnviz.attention.known_weights import weights_alone
from attnviz.choices import Step
from attnviz.errors import AttnvizError
from attnviz.text.message import Message
from attnviz.trace.layer_facts import layer_words

if TYPE_CHECKING:
    from attnviz.trace.layer import Layer
    from attnviz.trace.projection import Projection

WHOLE = slice(None)
Places = slice | numpy.ndarray  # some that follow each other, or the positions of a few
LEAST = 1e-30  # of a sum of squares that lost nothing to underflow in single precision
YIELDED = Message("what the projection yields")
DIRECTION = Message("the direction")
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
            layer=layer_words(layer.title),
        )


class Form(NamedTuple):
    """A number for each pair of a query and a key, the product of a row of each: what a weight is multiplied with.

    left   (…, queries, inner), or (…, 1, inner) where it is the same for all queries
    right  (…, keys, inner)
    """

    left: Array
    right: Array

    def __call__(self, rows: Places = WHOLE, keys: Places = WHOLE) -> Array:
        """The numbers of these queries and keys, (…, rows or 1, keys)."""
        left = self.left if self.left.shape[-2] == 1 else self.left[..., rows, :]
        across = namespace(self.right).matrix_transpose(self.right[..., keys, :])
        return left * across if left.shape[-1] == 1 else left @ across

    def times(self, weights: Array, rows: Places = WHOLE, keys: Places = WHOLE) -> Array:
        """``weights`` of these queries and keys, (…, rows, keys), times its numbers."""
        return weights * like(weights, self(rows, keys))

    def of_queries(self, start: int, stop: int) -> Form:
        """The same of only the queries ``start`` … ``stop`` − 1."""
        return self if self.left.shape[-2] == 1 else Form(self.left[..., start:stop, :], self.right)

    @property
    def bound(self) -> float:
        """What none of its numbers exceeds, whatever their signs."""
        return math.prod(map(_longest, self))

    def divided(self) -> Form:
        """The same in parts of ``bound``: numbers from −1 to 1."""
        return Form(*(side / _longest(side) for side in self))


class HeadContribution:
    """The contributions of one head: what its weights are multiplied with, in float32 or better."""

    def __init__(self, layer: Layer, head: int) -> None:
        require_known(layer)
        self._layer, self._head = layer, head
        self._value = as_floating(layer.value[layer.kv_head(head)], "value")  # (keys, d_v)
        self.toward = layer.toward

    def __call__(self, weights: Array, rows: Places = WHOLE, keys: Places = WHOLE) -> Array:
        """``weights`` of these queries and keys, (rows, keys), as contributions."""
        return weights * like(weights, self.factors(rows, keys))

    def factors(self, rows: Places = WHOLE, keys: Places = WHOLE) -> Array:
        """‖v_j W_O^h‖ of these keys, (keys,); along the layer's direction, v_j W_O^h · u_i with its sign, (rows or 1, keys)."""
        if self.toward is None:
            return self._norms[keys] if isinstance(keys, slice) else lengths(self.carried(keys))
        return self.form(rows, keys)

    @cached_property
    def form(self) -> Form:
        """The same as a product of queries and keys."""
        if self.toward is None:
            norms = self._norms[:, None]
            return Form(namespace(norms).ones_like(norms[:1]), norms)
        if self.toward.turns:
            return Form(self.pulled, self._value)
        with overflow_unspoken():  # the same direction for all queries, whose divisors are left
            pulled = self.toward.undivided(self._weight, self._value)
            right = self._value @ namespace(pulled).matrix_transpose(pulled)
            left = self.toward.shrinking(right)
        for side in (left, right):
            require_finite(side, DIRECTION)
        return Form(left, right)

    @cached_property
    def _norms(self) -> Array:
        return lengths_of_heads(self._layer, [self._head])[0]

    @cached_property
    def _weight(self) -> Array | None:
        """(d_v, d_out); None where the values are what the head puts out."""
        return None if is_unprojected(self._layer) else _rows_of_head(self._layer, self._head, self._value)

    @cached_property
    def pulled(self) -> Array:
        """What a value is multiplied with to be its part along the layer's direction, which there is.  (queries or 1, d_v)"""
        assert self.toward is not None
        with overflow_unspoken():
            pulled = self.toward.pulled(self._weight, self._value)
        require_finite(pulled, DIRECTION)
        return pulled

    def carried(self, keys: Places = WHOLE) -> Array:
        """What these values become on their way through the head's rows of W_O: v_j W_O^h.  (keys, d_out)"""
        result = self.through(keys)
        require_finite(result, YIELDED)
        return result

    def through(self, keys: Places) -> Array:
        """The same, finite or not."""
        value = self._value[keys]
        with overflow_unspoken():
            return value if self._weight is None else value @ self._weight


def form_of_heads(layer: Layer, heads: Sequence[int]) -> Form:
    """What the weights of these heads are multiplied with, (heads, …): each as ``HeadContribution`` has it, all together."""
    require_known(layer)
    if layer.toward is None:
        norms = lengths_of_heads(layer, heads)[..., None]
        return Form(namespace(norms).ones_like(norms[:, :1]), norms)
    forms = [HeadContribution(layer, head).form for head in heads]
    return Form(*(namespace(sides[0]).stack(sides) for sides in zip(*forms, strict=True)))


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


def _longest(rows: Array) -> float:
    """The length of the longest of ``rows``; 1 where all are 0."""
    return float(namespace(rows).max(lengths(rows))) or 1.0


def lengths_of_heads(layer: Layer, heads: Sequence[int]) -> Array:
    """‖v_j W_O^h‖ of all keys of these heads, (heads, keys).

    Values in single precision on a CPU go through W_O^h W_O^hᵀ in double precision, (d_v, d_v), which is made once for all texts
    that go through a W_O: ‖v W‖² = v W Wᵀ vᵀ, whose square root is wrong by no more than the rounding of v W is.
    """
    from attnviz.attention.threads import on_cpu  # where no contribution is asked for, it is not needed

    value = as_floating(layer.value, "value")  # (kv_heads, keys, d_v)
    xp, own = namespace(value), [layer.kv_head(head) for head in heads]
    if is_unprojected(layer):
        return lengths(value[own])
    weight = layer.projections["output"].weight
    single = value.dtype == xp.float32 and on_cpu(value) and int(value.shape[-1]) <= int(weight.shape[-1])
    starts = range(0, layer.keys, BLOCK)
    if not single:
        parts = ((HeadContribution(layer, head), slice(start, start + BLOCK)) for head in heads for start in starts)
        found = xp.concat([lengths(one.carried(keys)) for one, keys in parts])
        return xp.reshape(found, (len(own), -1))
    squares = xp.stack([_squared(layer, head, value) for head in heads])  # (heads, d_v, d_v)
    rows = [xp.astype(value[own, start : start + BLOCK], xp.float64) for start in starts]
    with overflow_unspoken():
        found = xp.concat([xp.vecdot(some @ squares, some) for some in rows], axis=1)
        found = xp.astype(xp.sqrt(xp.where(found < 0, 0.0, found)), value.dtype)
    require_finite(found, YIELDED)
    return found


_SQUARED: WeakKeyDictionary[Projection, dict[tuple[int, int, bool], Array]] = WeakKeyDictionary()


def _squared(layer: Layer, head: int, value: Array) -> Array:
    """W_O^h W_O^hᵀ in double precision.  (d_v, d_v)"""
    known = _SQUARED.setdefault(layer.projections["output"], {})
    which = head, int(value.shape[-1]), is_torch(value)
    if which not in known:
        wide = namespace(value).astype(_rows_of_head(layer, head, value), namespace(value).float64)
        known[which] = wide @ namespace(wide).matrix_transpose(wide)
    return known[which]


def _rows_of_head(layer: Layer, head: int, value: Array) -> Array:
    """The rows of W_O that the output of one head is multiplied with, beside ``value``.  (d_v, d_out)"""
    width = value.shape[-1]
    weight = layer.projections["output"].weight
    return like(value, as_floating(weight[head * width : (head + 1) * width], "weight"))
