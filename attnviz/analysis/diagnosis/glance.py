"""A first look at a large problem, in single precision: which rows depart, so that it is these that are looked at closely."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy

from attnviz.analysis.diagnosis.computing import computed
from attnviz.analysis.diagnosis.inputs import Asked
from attnviz.analysis.diagnosis.recipe import Array, Logits, Recipe, View

CELLS = 1 << 26  # scores that a first look may take, about a second of one core; of more, each n-th row
BLOCK = 1 << 17  # scores at once, as many as a processor keeps near
WITHIN = 1e-4  # of the largest number, from which a row departs: far more than single precision leaves
ROUNDINGS = 8  # and more than so many roundings of the type


class Glance(NamedTuple):
    """What was seen of all heads.

    rows   the queries that were looked at
    apart  the largest difference of each row, (items, heads, rows); infinite where only one of the two is finite
    limit  from which of them on a row departs
    """

    rows: Array
    apart: Array
    limit: float

    @property
    def departs(self) -> Array:
        """(items, heads, rows)"""
        departs: Array = self.apart > self.limit
        return departs


def glance(problem: Asked, unit: float) -> Glance:
    """All rows, or each n-th of them; ``unit`` is the unit roundoff of what came out."""
    meant = problem.meant
    step = -(-meant.items * meant.heads * meant.queries * meant.keys // CELLS)
    rows = numpy.unique(numpy.append(numpy.arange(0, meant.queries, step), meant.queries - 1))
    largest = 0.0
    apart = numpy.zeros((meant.items, meant.heads, len(rows)))
    for recipe, view, places in _blocks(meant, rows):
        output = computed(recipe, view).output
        target = problem.output[view.items[:, None, None], view.heads[:, None], view.rows]
        apart[places] = _apart(target, output)
        largest = max(largest, float(abs(output).max()))
    return Glance(rows, apart, max(WITHIN, ROUNDINGS * unit) * (largest or 1.0))


def _blocks(meant: Recipe, rows: Array) -> Iterator[tuple[Recipe, View, tuple[int, int, slice]]]:
    """Some rows of one head at a time, with a recipe in single precision and where they stand."""
    single = _single(meant)
    size = max(1, BLOCK // meant.keys)
    for item, head in numpy.ndindex(meant.items, meant.heads):
        of_head = single.but(memo={})
        for start in range(0, len(rows), size):
            place = (item, head, slice(start, start + size))
            yield of_head, View(numpy.array([item]), numpy.array([head]), rows[place[2]]), place


def _single(meant: Recipe) -> Recipe:
    """What was meant, in single precision."""
    single = numpy.float32
    bias, sinks = (None if one is None else one.astype(single) for one in (meant.bias, meant.sinks))
    recipe = meant.but(precision=single, bias=bias, sinks=sinks)
    return recipe.but(combine=_weights) if meant.only_weights else recipe


def _weights(weights: Array, given: Logits) -> Array:  # noqa: ARG001  # as all that combine
    """Where weights came they are what is compared: a product with ones on a diagonal would take the longest of all."""
    return weights


def _apart(target: Array, output: Array) -> Array:
    """The largest difference of each row."""
    with numpy.errstate(invalid="ignore", over="ignore"):
        difference = abs(target - output)
    alike = numpy.isnan(target) & numpy.isnan(output)
    largest: Array = numpy.where(alike, 0, numpy.where(numpy.isfinite(difference), difference, numpy.inf)).max(-1)
    return largest
