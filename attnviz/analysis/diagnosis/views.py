"""Which rows of a large problem are looked at closely: those that depart, and some beside them that tell where they end."""

from __future__ import annotations

import numpy

from attnviz.analysis.diagnosis.glance import Glance, glance
from attnviz.analysis.diagnosis.inputs import Asked
from attnviz.analysis.diagnosis.recipe import Array, View

CELLS = 1 << 19  # rows × keys that are looked at closely
MOST_ITEMS, MOST_HEADS = 4, 8
FEWEST_ROWS = 16  # of each head
MOST_EDGES = 16  # rows beside which departing begins or ends
TILE_ENDS = (15, 16, 31, 32, 63, 64, 127, 128)


def cut(problem: Asked, unit: float) -> View:
    """All rows, or where there are too many, those that a first look at all of them finds most telling."""
    meant = problem.meant
    if meant.items * meant.heads * meant.queries * meant.keys <= CELLS:
        return meant.whole
    seen = glance(problem, unit)
    items = _telling(seen.apart.max((1, 2)), MOST_ITEMS)
    heads = _telling(seen.apart[items].max((0, 2)), MOST_HEADS)
    some = seen._replace(apart=seen.apart[items][:, heads])
    count = max(FEWEST_ROWS, CELLS // (meant.keys * len(items) * len(heads)))
    ends = [place for place in TILE_ENDS if place < meant.queries]
    queries = numpy.concatenate([_spread(meant.queries, count), ends, _worst(some), _edges(some)])
    return View(items, heads, numpy.unique(queries.astype(int)))


def _telling(apart: Array, most: int) -> Array:
    """At most so many places of an axis: half of them the furthest apart, the nearest, and others spread over the axis."""
    if len(apart) <= most:
        return numpy.arange(len(apart))
    order = numpy.argsort(-apart, kind="stable")
    return numpy.unique(numpy.concatenate([order[: most // 2], order[-1:], _spread(len(apart), most // 2 - 1)]))


def _worst(seen: Glance) -> Array:
    """The row of each head that is furthest apart."""
    return seen.rows[seen.apart.argmax(-1)].ravel()


def _edges(seen: Glance) -> Array:
    """The rows on both sides of where departing begins or ends, the first and the last of them where these are many."""
    edges = numpy.flatnonzero(numpy.diff(seen.departs.any((0, 1))))
    if len(edges) > MOST_EDGES // 2:
        edges = numpy.concatenate([edges[: MOST_EDGES // 4], edges[-MOST_EDGES // 4 :]])
    return seen.rows[numpy.concatenate([edges, edges + 1])]


def _spread(size: int, count: int) -> Array:
    """At most ``count`` of the numbers below ``size``, the first and the last among them."""
    if count >= size:
        return numpy.arange(size)
    return numpy.unique(numpy.linspace(0, size - 1, count).astype(int))
