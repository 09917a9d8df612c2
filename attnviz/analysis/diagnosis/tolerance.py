"""How far rounding takes an output, row by row: an error model for the type and the length, no fixed tolerance.

Each rounding is an error of at most u of the number it makes, and, over many, a random one with a deviation of u/√3
(Higham and Mary 2019, "A new approach to probabilistic rounding error analysis"). The model follows these through attention
to first order: what a logit is off by moves the output by w (v − o) times that. Counted are more roundings than any one way
of computing has (all at once, in blocks, with the scale before or after the product, scores and weights stored in the type),
so that all of them are within; a number is called off where it is further than ``DEVIATIONS`` of the sum.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from attnviz.analysis.diagnosis.arithmetic import Arithmetic
from attnviz.analysis.diagnosis.computing import computed, rounded, scores_of, value_of
from attnviz.analysis.diagnosis.recipe import Array, Computed, Recipe, View
from attnviz.attention.arrays import overflow_unspoken

DEVIATIONS = 5.0
TIE = 1e-5  # how near the middle a number of single precision may be for the other side to be taken
STORED = 3  # times that a logit is stored on its way: as a score, scaled, masked
ANGLE = 2.0**-23  # an angle's own rounding and that of its frequency
EXPONENTIAL = 4  # units that an exponential, the division by the total and a rescaling between blocks take


def tolerance(recipe: Recipe, view: View, arithmetic: Arithmetic, found: Computed | None = None) -> Array:
    """How far each number of the output may be off, (items, heads, rows, d_v)."""
    found = computed(recipe, view) if found is None else found
    with overflow_unspoken():
        return DEVIATIONS * numpy.sqrt(_variance(recipe, view, arithmetic, found))


def _variance(recipe: Recipe, view: View, arithmetic: Arithmetic, found: Computed) -> Array:
    weights, output = abs(found.weights), found.output
    value = value_of(recipe, view)
    logit = _of_logits(recipe, view, arithmetic, found.logits)
    moved = weights**2 * logit
    spread = moved @ value**2 - 2 * output * (moved @ value) + output**2 * moved.sum(-1, keepdims=True)
    shares, sizes = weights @ abs(value), weights**2 @ value**2
    whole = numpy.maximum(weights.sum(-1, keepdims=True), 1)
    common = arithmetic.unit * abs(
        _moved_by_scale(weights, found, value)
    )  # a scale that was itself rounded moves all alike
    third = 1 / 3
    return (
        numpy.maximum(spread, 0)
        + _of_ties(recipe, view, value)
        + third * (arithmetic.unit**2 + 2 * arithmetic.product**2) * sizes
        + third * arithmetic.total**2 * recipe.keys * (shares * whole) ** 2
        + 2 * arithmetic.unit**2 * output**2
        + common**2
        + arithmetic.tiny**2 * (value**2).sum(-2, keepdims=True)
        + arithmetic.tiny**2
    )


def _of_ties(recipe: Recipe, view: View, value: Array) -> Any:
    """What weights that were rounded move where they lie so near the middle of two numbers that either may be taken."""
    if recipe.rounded.weights is None and recipe.rounded.scores is None:
        return 0.0
    exact = computed(recipe.but(rounded=recipe.rounded._replace(weights=None)), view).weights
    bits = recipe.rounded.weights or 24
    flips = rounded(exact * (1 + TIE), bits) - rounded(exact * (1 - TIE), bits)
    return flips**2 @ value**2


def _of_logits(recipe: Recipe, view: View, arithmetic: Arithmetic, logits: Array) -> Array:
    """The variance of each logit, (items, heads, rows, keys)."""
    finite = numpy.isfinite(logits)
    logits = numpy.where(finite, logits, 0)
    scaled = scores_of(recipe, view) * recipe.scale
    bent = _slope_of_cap(recipe, scaled) ** 2
    if recipe.softcap is not None:
        scaled = numpy.clip(scaled, -recipe.softcap, recipe.softcap)
    sizes = _products(recipe, view) * recipe.scale**2
    below = numpy.where(finite, logits - logits.max(-1, keepdims=True, where=finite, initial=-math.inf), 0)
    units = STORED * scaled**2 + 2 * logits**2 + below**2 + EXPONENTIAL**2
    sums = arithmetic.total**2 * recipe.dimension * sizes
    slope = recipe.sharpness**2 * bent
    total = slope * ((2 * arithmetic.product**2 + 4 * _of_angles(recipe)) * sizes + sums) + arithmetic.unit**2 * units
    return numpy.where(finite, total / 3, 0)


def _slope_of_cap(recipe: Recipe, scaled: Array) -> Any:
    """How much of what a score is off by a softcap lets through; all of it where it is none, or was applied in another way."""
    if recipe.softcap is None or recipe.cap_at != "scaled":
        return 1.0
    return 1 - numpy.tanh(scaled / recipe.softcap) ** 2


def _products(recipe: Recipe, view: View) -> Array:
    """Σ q² k² of each score, or what it is of numbers of equal sizes: a rotation changes the one and not the other."""
    squares = recipe.but(query=recipe.query**2, key=recipe.key**2, turn_query=(), turn_key=(), memo={})
    lengths = (array.sum(-1, keepdims=True) for array in (squares.query, squares.key))
    alike = squares.but(**dict(zip(("query", "key"), lengths, strict=True)), memo={})
    return numpy.maximum(scores_of(squares, view), scores_of(alike, view) / recipe.dimension)


def _of_angles(recipe: Recipe) -> float:
    """The variance of the angles of rotations, which are computed in float32: a position has 24 bits."""
    farthest = max((abs(place) for turn in recipe.turn_query + recipe.turn_key for place in turn.positions), default=0)
    return float((farthest * ANGLE) ** 2)


def _moved_by_scale(weights: Array, found: Computed, value: Array) -> Array:
    """How the output moves with the logarithm of the scale: Σ w s (v − o)."""
    logits = numpy.where(numpy.isfinite(found.logits), found.logits, 0)
    weighed = weights * logits
    moved: Array = weighed @ value - weighed.sum(-1, keepdims=True) * found.output
    return moved
