"""Weights of boxes in a picture as a map of its pixels."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

NEAR = 0.02  # pixels by which sides that are one may differ: boxes are held in single precision


class Lattice(NamedTuple):
    """Boxes in rows and columns.

    across, down  (columns, 2) and (rows, 2): where each begins and ends
    places        (boxes, 2): the row and the column of each box
    """

    across: numpy.ndarray
    down: numpy.ndarray
    places: numpy.ndarray


def lattice_of(boxes: numpy.ndarray) -> Lattice | None:
    """The lattice in which ``boxes``, (boxes, 4), lie: each in a row and a column of its own; None where they do not."""
    (across, columns), (down, rows) = _sides(boxes[:, 0], boxes[:, 2]), _sides(boxes[:, 1], boxes[:, 3])
    places = numpy.stack([rows, columns], axis=1)
    apart = all((side[1:, 0] >= side[:-1, 1] - NEAR).all() for side in (across, down))
    if not apart or len(numpy.unique(places, axis=0)) < len(places):
        return None
    same = numpy.concatenate([across[columns] - boxes[:, [0, 2]], down[rows] - boxes[:, [1, 3]]])
    return Lattice(across, down, places) if numpy.abs(same).max() <= 2 * NEAR else None


def heat(
    boxes: numpy.ndarray, weights: numpy.ndarray, size: tuple[int, int], shape: tuple[int, int], smooth: bool
) -> numpy.ndarray:
    """The weight at each pixel of a map of this ``shape``, (rows, columns), of a picture of this ``size``, its width and height.

    Not a number where no box lies. Boxes that lie in rows and columns have their own weight, ``smooth`` between their middles;
    where some lie over others (crops beside the whole picture), a pixel has the sum of their weights by area, times the area
    that half of the boxes exceed.
    """
    y, x = ((numpy.arange(count) + 0.5) * side / count for count, side in zip(shape, size[::-1], strict=True))
    lattice = lattice_of(boxes)
    if lattice is None:
        return _piled(boxes, weights, x, y)
    table = numpy.full((len(lattice.down), len(lattice.across)), math.nan)
    table[tuple(lattice.places.T)] = weights
    rows, columns = _inside(y, lattice.down), _inside(x, lattice.across)
    cells = table[numpy.ix_(numpy.maximum(rows, 0), numpy.maximum(columns, 0))]
    cells[rows < 0] = cells[:, columns < 0] = math.nan
    if not smooth:
        return cells
    between = _between(table, lattice.down.mean(axis=1), lattice.across.mean(axis=1), y, x)
    return numpy.where(numpy.isnan(cells), math.nan, between)


def _sides(begins: numpy.ndarray, ends: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The different beginnings along a side, each with the first end that goes with it, and which of them each box has."""
    order = numpy.argsort(begins, kind="stable")
    new = numpy.concatenate([[True], numpy.diff(begins[order]) > NEAR])
    numbers = numpy.empty(len(begins), dtype=numpy.int64)
    numbers[order] = numpy.cumsum(new) - 1
    firsts = order[new]
    return numpy.stack([begins[firsts], ends[firsts]], axis=1).astype(numpy.float64), numbers


def _inside(places: numpy.ndarray, sides: numpy.ndarray) -> numpy.ndarray:
    """In which of ``sides`` each place lies, -1 in none."""
    found = numpy.searchsorted(sides[:, 0], places, side="right") - 1
    return numpy.where((found >= 0) & (places < sides[numpy.maximum(found, 0), 1]), found, -1)


def _between(
    table: numpy.ndarray, down: numpy.ndarray, across: numpy.ndarray, y: numpy.ndarray, x: numpy.ndarray
) -> numpy.ndarray:
    """``table``, whose rows and columns stand at ``down`` and ``across``, at all of ``y`` and ``x``: linear along both, of what is there."""
    there = ~numpy.isnan(table)
    by_rows, by_columns = _shares(y, down), _shares(x, across)
    values, share = (
        by_rows @ part @ by_columns.T for part in (numpy.where(there, table, 0.0), there.astype(numpy.float64))
    )
    return numpy.where(share > 0, values / numpy.where(share > 0, share, 1.0), math.nan)


def _shares(places: numpy.ndarray, nodes: numpy.ndarray) -> numpy.ndarray:
    """How much of each node is in each place, (places, nodes): of the two beside it, or of the last one beyond the ends."""
    along = numpy.interp(places, nodes, numpy.arange(len(nodes)))
    shares: numpy.ndarray = numpy.maximum(0.0, 1.0 - numpy.abs(along[:, None] - numpy.arange(len(nodes))))
    return shares


def _piled(boxes: numpy.ndarray, weights: numpy.ndarray, x: numpy.ndarray, y: numpy.ndarray) -> numpy.ndarray:
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    total, covered = numpy.zeros((len(y), len(x))), numpy.zeros((len(y), len(x)), dtype=bool)
    for (left, top, right, bottom), amount in zip(boxes, weights / areas * numpy.median(areas), strict=True):
        rows = slice(*numpy.searchsorted(y, [top, bottom]))
        columns = slice(*numpy.searchsorted(x, [left, right]))
        total[rows, columns] += amount
        covered[rows, columns] = True
    piled: numpy.ndarray = numpy.where(covered, total, math.nan)
    return piled
