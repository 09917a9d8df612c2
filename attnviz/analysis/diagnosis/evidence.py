"""What came out beside what a recipe gives: row by row, whether rounding explains the difference."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.diagnosis.arithmetic import Arithmetic
from attnviz.analysis.diagnosis.computing import computed, value_of
from attnviz.analysis.diagnosis.recipe import Array, Computed, Recipe, View
from attnviz.analysis.diagnosis.tolerance import tolerance
from attnviz.attention.arrays import overflow_unspoken

NOISE = 0.2  # more than the mean square root of what rounding does, in parts of what it may


def usual(count: float) -> float:
    """What the mean square root of ``count`` differences, in parts of what rounding allows, is at most: rounding is noise, and
    does not go as far as it may everywhere."""
    return NOISE + 1 / math.sqrt(max(count, 1))


class Judged(NamedTuple):
    """Of each row of a view, (items, heads, rows).

    apart   the largest difference in parts of what rounding allows; infinite where only one of the two is finite
    fine    whether it is at most 1
    """

    apart: Array
    fine: Array
    found: Computed
    difference: Array
    allowed: Array


@dataclass(eq=False)
class Evidence:
    """An output, what was meant, and the arithmetic whose rounding is allowed.

    output  (items, heads, queries, d_v), as it came
    """

    meant: Recipe
    output: Array
    arithmetic: Arithmetic
    view: View
    _read: dict[Any, Array] = field(default_factory=dict)

    @cached_property
    def judged(self) -> Judged:
        """What was meant beside what came out."""
        return self.judge(self.meant, self.view)

    @cached_property
    def size(self) -> float:
        """The largest number of what was meant and of what came out: the unit in which errors are told."""
        finite = self.output[numpy.isfinite(self.output)]
        largest = max(float(abs(self.judged.found.output).max()), float(abs(finite).max()) if finite.size else 0.0)
        return largest or 1.0

    def target(self, recipe: Recipe, view: View) -> Array:
        """The rows of the output as they should be for ``recipe``."""
        if recipe.read not in self._read:
            self._read[recipe.read] = self.output if recipe.read is None else recipe.read(self.output)
        rows: Array = self._read[recipe.read][view.items[:, None, None], view.heads[:, None], view.rows]
        return rows

    def difference(self, recipe: Recipe, view: View, found: Computed) -> Array:
        """How far the output is from ``found``, (items, heads, rows, d_v): 0 where both are NaN, infinite where one is."""
        target = self.target(recipe, view)
        with overflow_unspoken():
            difference = abs(target - found.output)
        finite = numpy.isfinite(difference)
        if not finite.all():
            alike = (numpy.isnan(target) & numpy.isnan(found.output)) | (target == found.output)
            difference = numpy.where(alike, 0, numpy.where(finite, difference, math.inf))
        if recipe is self.meant or recipe.blind != 0:
            return difference
        return numpy.where(self._excused(recipe, view, found, target), 0, difference)

    def _excused(self, recipe: Recipe, view: View, found: Computed, target: Array) -> Any:
        """Rows that see nothing through a mistake alone: what is put there, NaN or a mean, is part of it."""
        blind: Array = (found.logits == -math.inf).all(-1)  # (items, heads, rows)
        if not blind.any():
            return False
        seen: Array = numpy.broadcast_to(
            self.meant.seen, (recipe.items, recipe.heads, recipe.queries, recipe.keys)
        ).any(-1)
        blind = blind & seen[view.items[:, None, None], view.heads[:, None], view.rows]
        uniform = value_of(recipe, view).mean(-2, keepdims=True)  # (items, heads, 1, d_v)
        near = abs(target - uniform) <= 1e-2 * (abs(uniform).max() or 1)
        return blind[..., None] & (numpy.isnan(target) | near)

    def judge(self, recipe: Recipe, view: View) -> Judged:
        """The rows in ``view`` of ``recipe`` beside those that came out."""
        found = computed(recipe, view)
        difference = self.difference(recipe, view, found)
        allowed = numpy.nan_to_num(tolerance(recipe, view, self.arithmetic, found), nan=0.0)
        with overflow_unspoken():
            parts = numpy.where(difference == 0, 0, difference / allowed)
        apart = parts.max(-1)
        return Judged(apart, apart <= 1, found, difference, allowed)

    def left(self, recipe: Recipe, view: View) -> float:
        """The mean square root of the difference; infinite where numbers are not finite alike."""
        difference = self.difference(recipe, view, computed(recipe, view)).ravel()
        with overflow_unspoken():
            return math.sqrt(float(difference @ difference) / difference.size)

    def worst(self, judged: Judged) -> tuple[float, float]:
        """The largest difference, and the most that rounding allows, in parts of ``size``.

        Where the one is no more than the other and yet some row is off: both of the row that is most so.
        """
        error, most = float(judged.difference.max()), float(judged.allowed.max())
        if error <= most and not judged.fine.all():
            with overflow_unspoken():
                parts = numpy.where(judged.difference == 0, 0, judged.difference / judged.allowed)
            place = numpy.unravel_index(int(parts.argmax()), parts.shape)
            error, most = float(judged.difference[place]), float(judged.allowed[place])
        return error / self.size, most / self.size
