"""Mistakes of the arithmetic: numbers that were rounded on their way, and exponentials that leave the range of their type."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy

from attnviz.analysis.diagnosis.arithmetic import ARITHMETICS
from attnviz.analysis.diagnosis.computing import rounded
from attnviz.analysis.diagnosis.recipe import Array, Logits, Recipe, Rounded, by_softmax
from attnviz.analysis.diagnosis.registry import Variant, mistake

HALVES = ("bfloat16", "float16")
RANGED = ("float16", "float32")


@mistake("rounded")
def rounding(meant: Recipe) -> Iterator[Variant]:
    """Scores, weights or all that goes in were rounded to half precision; the value is how many bits are left."""
    for name in HALVES:
        bits = ARITHMETICS[name].bits
        for places in (
            {"weights": bits},
            {"scores": bits},
            {"scores": bits, "weights": bits},
            {"inputs": bits, "values": bits},
            {"inputs": bits},
            {"values": bits},
            {"inputs": bits, "scores": bits},
            {"values": bits, "weights": bits},
            {"inputs": bits, "values": bits, "weights": bits},
            {"inputs": bits, "values": bits, "scores": bits},
            {"inputs": bits, "values": bits, "scores": bits, "weights": bits},
        ):
            yield Variant(meant.but(rounded=Rounded(**places)), float(bits))


def without_largest(given: Logits, largest: float, smallest: float, wide: bool) -> Array:
    """e^logits / Σ e^logits in a type that ends at ``largest``; ``wide`` where the sum is of a wider one."""
    below = numpy.where(numpy.isfinite(given.logits), given.logits, -math.inf)
    powers = numpy.exp(below)
    powers = numpy.where(powers > largest, math.inf, numpy.where(powers < smallest, 0, powers))
    total = powers.sum(-1, keepdims=True)
    if given.sinks is not None:
        total = total + numpy.exp(given.sinks)
    if not wide:
        total = numpy.where(total > largest, math.inf, total)
    blind = (given.logits == -math.inf).all(-1, keepdims=True)  # which is a mistake of its own
    weights: Array = powers / numpy.where(blind, 1, total)
    return weights


@mistake("overflow", pairs=False)
def overflow(meant: Recipe) -> Iterator[Variant]:
    """The largest logit is not subtracted, or scores are held in half precision, so that numbers leave its range.

    The value is the largest number of that range.
    """
    for name in RANGED:
        kind = ARITHMETICS[name]
        for wide in (False, True):
            weigh = partial(without_largest, largest=kind.largest, smallest=kind.tiny / 2, wide=wide)
            yield Variant(meant.but(weigh=weigh), kind.largest)
    yield Variant(meant.but(weigh=partial(_too_large, scale=meant.scale)), ARITHMETICS["float16"].largest)


def _too_large(given: Logits, scale: float) -> Array:
    """Scores beyond half precision become infinite before they are scaled: NaN, where the largest of a row is."""
    largest = ARITHMETICS["float16"].largest
    scores = given.logits / scale
    row = (scores > largest).any(-1, keepdims=True)
    return numpy.where(row, math.nan, by_softmax(given))


def in_half(weights: Array, given: Logits, bits: int) -> Array:
    """Σ weights · values, key after key, each sum rounded."""
    weights = numpy.broadcast_to(weights, given.logits.shape)
    total = numpy.zeros((*weights.shape[:-1], given.value.shape[-1]))
    for place in range(weights.shape[-1]):
        total = rounded(total + weights[..., place, None] * given.value[..., place, None, :], bits)
    return total


@mistake("accumulated-in-half", pairs=False)
def accumulated_in_half(meant: Recipe) -> Iterator[Variant]:
    """The output is summed up in half precision; the value is how many bits a sum has."""
    for name in HALVES:
        bits = ARITHMETICS[name].bits
        yield Variant(meant.but(combine=partial(in_half, bits=bits)), float(bits))
        yield Variant(meant.but(combine=partial(in_half, bits=bits), rounded=Rounded(weights=bits)), float(bits))


E4M3 = (
    4  # bits of the significand of the eight-bit type that caches are stored in (Micikevicius et al. 2022, 2209.05433)
)
E4M3_LARGEST, E4M3_SMALLEST = 448.0, 2.0**-6  # below which its numbers lie evenly


@mistake("values-not-rescaled", pairs=False)
def values_not_rescaled(meant: Recipe) -> Iterator[Variant]:
    """Values that were stored in eight bits are not multiplied with their scale again, one a head or one for all."""
    if not meant.only_weights:
        for axes in ((2, 3), (0, 2, 3), (0, 1, 2, 3)):
            largest = abs(meant.value).max(axes, keepdims=True)
            value = meant.value.astype(float) / numpy.where(largest > 0, largest, 1) * E4M3_LARGEST
            step = E4M3_SMALLEST / 2 ** (E4M3 - 1)
            stored = numpy.where(abs(value) < E4M3_SMALLEST, numpy.rint(value / step) * step, rounded(value, E4M3))
            yield Variant(meant.but(value=stored))


def from_finite(given: Logits, start: float, least: float = 0.0) -> Array:
    """The running maximum starts at ``start`` and not at −∞: exponentials of rows far below it are 0, and so are those whose
    total falls below ``least``, by which they are divided then."""
    top = numpy.maximum(given.logits.max(-1, keepdims=True), start)
    powers = numpy.exp(given.logits - top)
    if least:
        powers = numpy.rint(powers / SMALLEST) * SMALLEST
        return numpy.asarray(powers / numpy.maximum(powers.sum(-1, keepdims=True), least))
    kept = powers.max(-1, keepdims=True) >= ARITHMETICS["float32"].tiny
    return numpy.where(kept, by_softmax(given), 0.0)


SMALLEST = 2.0**-149  # the smallest number of single precision that is not 0
LEAST_TOTALS = (0.0, 1e-38, 1e-30, 1e-20, 1e-12, 1e-10, 1e-8, 1e-6)  # by which code divides where a total is less


@mistake("maximum-starts-finite", pairs=False)
def maximum_starts_finite(meant: Recipe) -> Iterator[Variant]:
    """The largest logit so far starts at a number and not at −∞, so that rows far below it become 0."""
    for least in LEAST_TOTALS:
        yield Variant(meant.but(weigh=partial(from_finite, start=0.0, least=least)))
    for start in (-1e2, -1e3, -1e4, -5e4, -65504.0, -1e5, -1e6):
        yield Variant(meant.but(weigh=partial(from_finite, start=start)))
