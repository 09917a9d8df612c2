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
