"""Where a mistake is: which heads, which items, which blocks of queries; so that what is right elsewhere stays right."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy

from attnviz.analysis.diagnosis.recipe import Array, View
from attnviz.analysis.diagnosis.result import Ranges, Some

BLOCKS = 4  # a mistake in more blocks of queries than these is no explanation but a list of exceptions


@dataclass(frozen=True)
class Region:
    """The rows that have a mistake: all combinations of these."""

    items: Some = "all"
    heads: Some = "all"
    queries: Ranges = "all"

    @property
    def is_whole(self) -> bool:
        return self == Region()


def region_of(meant_fine: Array, fine: Array, view: View) -> Region | None:
    """The region in which a recipe explains all that departs, or None where there is no such one.

    meant_fine  rows that what was meant explains, (items, heads, rows)
    fine        rows that the recipe explains

    A row that departs must be explained. A row that does not depart, and would with the mistake, lies outside.
    """
    if bool((~meant_fine & ~fine).any()):
        return None
    outside = meant_fine & ~fine
    if not outside.any():
        return Region()
    inside = ~meant_fine
    axes = [inside.any((1, 2)), inside.any((0, 2)), inside.any((0, 1))]
    rows = _filled(axes[2], outside.any((0, 1)) & ~inside.any((0, 1)))
    region = axes[0][:, None, None] & axes[1][:, None] & rows
    if bool((region & outside).any()):
        return None
    ranges = _ranges(rows, view.rows)
    if len(ranges) > BLOCKS:
        return None
    whole = not bool((axes[0][:, None, None] & axes[1][:, None] & outside).any())
    return Region(
        _some(axes[0], outside.any((1, 2)), view.items),
        _some(axes[1], outside.any((0, 2)), view.heads),
        "all" if whole else ranges,
    )


def _some(chosen: Array, others: Array, names: Array) -> Some:
    """All, where none is outside alone; else the names of those that are chosen."""
    if not bool((others & ~chosen).any()):
        return "all"
    return tuple(int(one) for one in names[chosen])


def _filled(rows: Array, outside: Array) -> Array:
    """``rows`` with those between them that are not outside."""
    filled = rows.copy()
    places = numpy.flatnonzero(rows)
    for start, stop in pairwise(places):
        if not outside[start:stop].any():
            filled[start:stop] = True
    return filled


def _ranges(chosen: Array, rows: Array) -> tuple[range, ...]:
    """The blocks of queries that are chosen."""
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate([[False], chosen, [False]]).astype(int)))
    return tuple(range(int(rows[start]), int(rows[stop - 1]) + 1) for start, stop in edges.reshape(-1, 2))


def ranges_of(chosen: Array, rows: Array) -> Ranges:
    """The same where it may be all of them."""
    return "all" if bool(chosen.all()) else _ranges(chosen, rows)


def some_of(chosen: Array, names: Array) -> Some:
    """All of the names, or those that are chosen."""
    return "all" if bool(chosen.all()) else tuple(int(one) for one in names[chosen])
