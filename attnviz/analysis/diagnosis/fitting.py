"""Finding the number of a mistake: the scale, the softcap, the window that was used."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy

from attnviz.analysis.diagnosis.computing import computed
from attnviz.analysis.diagnosis.evidence import Evidence
from attnviz.analysis.diagnosis.recipe import Array, Recipe, View
from attnviz.analysis.diagnosis.registry import Fitted, Variant

STEPS = 12
NEAR = 1e-14  # relative: a step this small moves no digit of float64 that counts
SLOW = 0.9  # a step that leaves more than this part leads nowhere, where the one before did, too
BEST = 3  # starts from which a number is refined
CLEAR = 1e-3  # of what was left, where a number explains all that it was looked for in
ALIKE, APART = 2.0, 1e-3  # numbers that leave as much, and differ


def fitted(evidence: Evidence, family: Fitted, view: View) -> Variant | None:
    """The recipe of ``family`` that is nearest to the rows in ``view``; None where none comes near.

    Where several numbers explain these rows, as any does that lowers all keys of a row alike, all rows decide.
    """
    near = _nearest(evidence, family, view)
    if not near:
        return None
    if not family.whole and view is not evidence.view and _are_several(near, evidence.left(evidence.meant, view)):
        near = _nearest(evidence, family, evidence.view) or near
    value = near[0][1]
    return Variant(family.make(value), value)


def _nearest(evidence: Evidence, family: Fitted, view: View) -> list[tuple[float, float]]:
    """What the best numbers leave, and the numbers, the nearest first."""
    lefts = [(evidence.left(family.make(start), view), start) for start in family.starts]
    near = sorted(one for one in lefts if math.isfinite(one[0]))[:BEST]
    if family.whole:
        return near
    return sorted(refined(evidence, family.make, start, view) for _, start in near)


def _are_several(near: list[tuple[float, float]], before: float) -> bool:
    """Whether more than one number explains as good as all."""
    left, value = near[0]
    others = [one for rest, one in near[1:] if rest <= ALIKE * left]
    return left <= CLEAR * before and any(abs(one - value) > APART * abs(value) for one in others)


def refined(evidence: Evidence, make: Callable[[float], Recipe], value: float, view: View) -> tuple[float, float]:
    """Gauss and Newton's steps from ``value``, halved where they lead away: what is left, and the number."""
    left, residual = _residual(evidence, make, value, view)
    slow = False
    for _ in range(STEPS):
        step = 1e-6 * (abs(value) or 1.0)
        slope = (_residual(evidence, make, value + step, view)[1] - residual) / step
        curve = float(slope.ravel() @ slope.ravel())
        if not curve > 0:
            break
        move = -float(slope.ravel() @ residual.ravel()) / curve
        moved = _nearer(evidence, make, value, move, view, left)
        if moved is None:
            break
        was_slow, slow = slow, moved[0] > SLOW * left
        done = abs(moved[1] - value) <= NEAR * abs(value) or (slow and was_slow)
        left, value, residual = moved
        if done:
            break
    return left, value


def _nearer(
    evidence: Evidence, make: Callable[[float], Recipe], value: float, move: float, view: View, left: float
) -> tuple[float, float, Array] | None:
    """The first of the step, its half, … that leaves less; None where none does."""
    for part in (1.0, 0.5, 0.2):
        if (value + part * move) * value < 0:  # a number of the other sign is looked for from its own start
            continue
        after, residual = _residual(evidence, make, value + part * move, view)
        if after < left:
            return after, value + part * move, residual
    return None


def _residual(evidence: Evidence, make: Callable[[float], Recipe], value: float, view: View) -> tuple[float, Array]:
    """What is left with this number, and where."""
    recipe = make(value)
    residual = computed(recipe, view).output - evidence.target(recipe, view)
    finite = numpy.where(numpy.isfinite(residual), residual, 0)
    return math.sqrt(float((finite**2).mean())) if numpy.isfinite(residual).any() else math.inf, finite
