"""How far rounding may take a step of attention, derived from its numbers: no tolerance of a property is chosen by hand.

A sum of n products in any order has a relative error of at most γ(n) = n·u / (1 − n·u) of the sum of their sizes
(Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., chapter 3; u, the unit roundoff, is half of eps). What a
logit is off by becomes a factor e^±error of its exponential, and the rest of softmax adds n more roundings to it (Blanchard,
Higham and Higham 2021, "Accurately computing the log-sum-exp and softmax functions", theorem 4.3). Each cell has its own bound.

The steps themselves are computed in NumPy's widest numbers, whose own roundings are added to the bound: on a machine that has
no wider ones than float64, it is twice as wide, and still one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy

from attnviz import Steps

Widest = numpy.longdouble
Array = numpy.ndarray
UNIT_OF_WIDEST = float(numpy.finfo(Widest).eps) / 2


@dataclass(frozen=True)
class Arithmetic:
    """How a library rounds.

    unit      the unit roundoff of its numbers
    tiny      its smallest normal number: what an underflow may lose
    scaling   how many roundings the scale costs: 1/√d itself (2), its cast, and the product
    argument  how many roundings the argument of an exponential takes: 1, the difference to the largest of the row
    exp, tanh how many units the functions are off by
    """

    unit: float
    tiny: float
    scaling: int = 4
    argument: int = 1
    exp: int = 4
    tanh: int = 8

    @classmethod
    def of(cls, dtype: Any, **roundings: int) -> Arithmetic:
        """That of a NumPy type, or of bfloat16, which has the range of float32 and 8 bits."""
        if str(dtype).endswith("bfloat16"):
            return cls(2.0**-8, float(numpy.finfo(numpy.float32).tiny), **roundings)
        limits = numpy.finfo(dtype)
        return cls(float(limits.eps) / 2, float(limits.tiny), **roundings)

    def gamma(self, count: int) -> float:
        """The relative error of so many roundings, one after the other or in a sum."""
        error = count * (self.unit + UNIT_OF_WIDEST)
        assert error < 1, f"{count} roundings of {self.unit} leave nothing to compare"
        return error / (1 - error)


class Bounded(NamedTuple):
    """The steps, and what each of their cells may be off by."""

    steps: Steps
    errors: Steps
    arithmetic: Arithmetic

    def require(self, found: Any, other: Steps | None = None, names: tuple[str, ...] = Steps._fields) -> None:
        """Raise AssertionError where a step of ``found`` is further away than its error, and ``other``'s, allow."""
        for name in names:
            allowed = getattr(self.errors, name) if other is None else getattr(self.errors, name) + getattr(other, name)
            require_near(getattr(found, name), getattr(self.steps, name), allowed, name)


def require_near(found: Any, expected: Any, allowed: Any, name: str = "") -> None:
    """Raise AssertionError where ``found`` is further from ``expected`` than ``allowed``, or not infinite where it is."""
    found, expected = numpy.asarray(found, Widest), numpy.asarray(expected, Widest)
    assert found.shape == expected.shape, f"{name}: {found.shape} is not {expected.shape}"
    allowed = numpy.broadcast_to(allowed, found.shape)
    endless = numpy.isinf(expected)
    numpy.testing.assert_array_equal(found[endless], expected[endless], err_msg=name)
    apart = abs(numpy.where(endless, 0, found) - numpy.where(endless, 0, expected))
    bad = ~(apart <= allowed) & ~endless  # NaN is bad, too
    if bad.any():
        place = tuple(int(axis[0]) for axis in numpy.nonzero(bad))
        raise AssertionError(
            f"{name}{list(place)} is {found[place]}, {apart[place]:.3g} from {expected[place]}: {allowed[place]:.3g} allowed"
        )


def bounded(
    query: Array,
    key: Array,
    value: Array,
    arithmetic: Arithmetic,
    options: Mapping[str, Any],
    off: tuple[Any, Any, Any] = (0, 0, 0),
) -> Bounded:
    """The steps of attention by its definition, and what ``arithmetic`` may take each of them away by.

    ``options`` are attend()'s. The arrays are what the library is given, (…, heads, tokens, d) or (tokens, d); ``off``, what
    each of their numbers may be off by before attention begins, as that of a projection.
    """
    asked = {"scale": None, "softcap": None, "bias": None, "sinks": None} | dict(options)
    heads = query.shape[-3] if query.ndim > 2 else 1
    query, key, value = (numpy.asarray(array, Widest) for array in (query, key, value))
    query_off, key_off, value_off = (
        numpy.broadcast_to(numpy.asarray(one, Widest), array.shape)
        for one, array in zip(off, (query, key, value), strict=True)
    )
    if query.ndim > 2:
        key, value, key_off, value_off = (
            numpy.repeat(array, heads // array.shape[-3], axis=-3) for array in (key, value, key_off, value_off)
        )
    turned = numpy.swapaxes(key, -1, -2)
    longest_query, longest_key = abs(query) + query_off, abs(turned) + numpy.swapaxes(key_off, -1, -2)
    scores, sizes = query @ turned, longest_query @ longest_key
    moved = sizes - abs(query) @ abs(turned) if any(numpy.any(one) for one in off) else 0 * sizes
    dimension, keys = query.shape[-1], key.shape[-2]
    scale = 1 / numpy.sqrt(Widest(dimension)) if asked["scale"] is None else Widest(asked["scale"])
    lost = dimension * arithmetic.tiny
    scaled = scale * scores
    scaled_error = arithmetic.gamma(dimension + arithmetic.scaling) * abs(scale) * sizes + (abs(scale) + 1) * lost
    scaled_error = scaled_error + abs(scale) * moved
    if 0 < abs(scale) < arithmetic.tiny:  # it underflows itself
        scaled_error = scaled_error + arithmetic.tiny * sizes
    if asked["softcap"] is not None:
        scaled, scaled_error = _capped(scaled, scaled_error, Widest(asked["softcap"]), arithmetic)
    masked, masked_error = _masked(scaled, scaled_error, asked, arithmetic)
    sinks = asked["sinks"]
    if sinks is not None:
        sinks = numpy.asarray(sinks, Widest)[:, None, None] if query.ndim > 2 else numpy.asarray(sinks, Widest)[:, None]
    weights, weights_error = softmax(masked, masked_error, arithmetic, sinks)
    output_error = weights_error @ abs(value) + (weights + weights_error) @ value_off
    output_error = output_error + arithmetic.gamma(keys) * ((weights + weights_error) @ (abs(value) + value_off))
    return Bounded(
        Steps(scores, scaled, masked, weights, weights @ value),
        Steps(
            arithmetic.gamma(dimension) * sizes + moved + lost,
            scaled_error,
            masked_error,
            weights_error,
            output_error + keys * arithmetic.tiny,
        ),
        arithmetic,
    )


def _capped(scaled: Array, error: Array, cap: Any, arithmetic: Arithmetic) -> tuple[Array, Array]:
    """cap · tanh(scaled / cap), whose slope is never above 1."""
    argument = scaled / cap
    off = (error + arithmetic.gamma(2) * abs(scaled)) / cap
    capped = cap * numpy.tanh(argument)
    moved = numpy.maximum(*(abs(cap * numpy.tanh(argument + side) - capped) for side in (off, -off)))
    return capped, moved + arithmetic.gamma(arithmetic.tanh + 2) * (abs(capped) + moved) + arithmetic.tiny


def _masked(scaled: Array, error: Array, asked: Mapping[str, Any], arithmetic: Arithmetic) -> tuple[Array, Array]:
    """scaled + bias, whose own cast is a rounding, too; −∞ where a key is hidden."""
    masked = scaled
    if asked["bias"] is not None:
        bias = numpy.asarray(asked["bias"], Widest)
        masked = scaled + bias
        size = numpy.where(numpy.isfinite(bias), abs(bias), 0)
        total = numpy.where(numpy.isfinite(masked), abs(masked), 0)
        one = arithmetic.gamma(1)
        error = (error + one * size) * (1 + one) + one * total + arithmetic.tiny
    closed = hidden(asked, scaled.shape)
    return numpy.where(closed, -numpy.inf, masked), numpy.where(closed, 0, error)


def softmax(logits: Array, error: Array, arithmetic: Arithmetic, sinks: Array | None = None) -> tuple[Array, Array]:
    """The softmax of the last axis, and its error where each logit is off by ``error``; a row of −∞ alone is 0."""
    keys = logits.shape[-1]
    if sinks is not None:  # one more logit
        sink = numpy.broadcast_to(sinks, (*logits.shape[:-1], 1))
        logits = numpy.concatenate([logits, sink], axis=-1)
        error = numpy.concatenate([error, arithmetic.gamma(1) * abs(sink)], axis=-1)
    top = numpy.max(logits, axis=-1, keepdims=True)
    blind = numpy.isneginf(top)
    top = numpy.where(blind, 0, top)
    higher, lower = (numpy.max(logits + side, axis=-1, keepdims=True) for side in (error, -error))
    top_error = numpy.where(blind, 0, numpy.maximum(higher - top, top - lower))
    below = logits - top
    shares = below - _log_sum(below)
    far = numpy.where(numpy.isneginf(below), 0, abs(below))
    off = error + arithmetic.gamma(arithmetic.argument) * (far + error + top_error) + arithmetic.gamma(arithmetic.exp)
    whole = arithmetic.gamma(logits.shape[-1] + 1)
    highest = numpy.exp(numpy.minimum(0, shares + off - _log_sum(shares - off))) * (1 + whole)
    lowest = numpy.exp(shares - off - _log_sum(shares + off)) * (1 - whole)
    weights = numpy.exp(shares)
    wide = numpy.maximum(highest - weights, weights - lowest) + (keys + 2) * arithmetic.tiny
    wide = numpy.where(numpy.isneginf(logits), 0, wide)  # what is hidden is 0 in every arithmetic
    return weights[..., :keys], wide[..., :keys]


def _log_sum(logits: Array) -> Array:
    """log Σ exp, of the last axis; 0 where all is −∞, so that what is subtracted from −∞ leaves it."""
    top = numpy.max(logits, axis=-1, keepdims=True)
    top = numpy.where(numpy.isneginf(top), 0, top)
    total = numpy.sum(numpy.exp(logits - top), axis=-1, keepdims=True)
    return top + numpy.log(numpy.where(total == 0, 1, total))


def hidden(options: Mapping[str, Any], shape: tuple[int, ...]) -> Array:
    """The cells that no query may see, by the words of the rule."""
    queries, keys = shape[-2:]
    position = numpy.arange(queries)[:, None] + (options.get("query_offset") or 0)
    distance = numpy.arange(keys)[None, :] - position
    closed = numpy.zeros((queries, keys), bool)
    if options.get("causal"):
        closed |= distance > 0
    if options.get("window") is not None:
        closed |= abs(distance) >= options["window"]
    closed = numpy.broadcast_to(closed, shape).copy()
    if options.get("mask") is not None:
        closed |= ~options["mask"]
    if options.get("bias") is not None:
        closed |= options["bias"] == -numpy.inf
    return closed


def linear(
    rows: Array, matrix: Array, added: Array | None, arithmetic: Arithmetic, off: Any = 0
) -> tuple[Array, Array]:
    """rows @ matrix + added, and what it may be off by where each of ``rows`` is off by ``off`` before."""
    rows, matrix = numpy.asarray(rows, Widest), numpy.asarray(matrix, Widest)
    plus = numpy.zeros(matrix.shape[-1], Widest) if added is None else numpy.asarray(added, Widest)
    off = numpy.broadcast_to(numpy.asarray(off, Widest), rows.shape)
    sizes = (abs(rows) + off) @ abs(matrix) + abs(plus)
    error = off @ abs(matrix) + arithmetic.gamma(rows.shape[-1] + 1) * sizes + rows.shape[-1] * arithmetic.tiny
    return rows @ matrix + plus, error


def of_a_sum_of_weights(keys: int, dtype: Any) -> float:
    """What the weights of a row, added up exactly, may be from 1: the total that divides them has ``keys`` roundings, each
    quotient one. Nothing that was rounded before counts: softmax shares out 1 whatever its logits are."""
    arithmetic = Arithmetic.of(dtype)
    return arithmetic.gamma(keys + 1) + keys * arithmetic.tiny
