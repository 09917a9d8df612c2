"""Pairs of query and key reduced to the cells of a map, some rows at a time."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

from attnviz.choices import Pool


class Reduced(NamedTuple):
    """Some rows of a map, reduced to its cells: (rows of cells, columns of cells) from ``first`` on.

    total, pairs, largest  of the pairs of each cell that are not hidden
    """

    first: int
    total: numpy.ndarray
    pairs: numpy.ndarray
    largest: numpy.ndarray


def reduced(queries: range, keys: range, start: int, values: numpy.ndarray, first: int) -> Reduced:
    """``values``, (rows, keys) from query ``start`` and key ``first`` on, −∞ where hidden, in the cells of a map whose sides are
    ``queries`` and ``keys``: ranges whose step is what a cell covers."""
    above, rows = _cuts(queries, start, start + len(values))
    shape = len(rows), len(keys)
    total, pairs, largest = numpy.zeros(shape), numpy.zeros(shape, dtype=int), numpy.full(shape, -math.inf)
    begin, end = max(keys.start, first), min(keys.stop, first + values.shape[1])
    if begin < end:
        values = values[:, begin - first : end - first]
        left, columns = _cuts(keys, begin, end)
        some = numpy.s_[:, left : left + len(columns)]

        def in_cells(reduce: numpy.ufunc, array: numpy.ndarray) -> numpy.ndarray:
            return numpy.asarray(reduce.reduceat(reduce.reduceat(array, columns, axis=1), rows, axis=0))

        seen = values > -math.inf
        total[some] = in_cells(numpy.add, numpy.where(seen, values, 0.0))
        pairs[some] = in_cells(numpy.add, seen.astype(int))
        largest[some] = in_cells(numpy.maximum, values)
    return Reduced(above, total, pairs, largest)


class Cells:
    """The cells of a map whose rows come in blocks, in any order."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.total, self.pairs = numpy.zeros(shape), numpy.zeros(shape, dtype=int)
        self.largest = numpy.full(shape, -math.inf)

    def add(self, rows: Reduced) -> None:
        """The rows of one block."""
        cells = slice(rows.first, rows.first + len(rows.total))
        self.total[cells] += rows.total
        self.pairs[cells] += rows.pairs
        self.largest[cells] = numpy.maximum(self.largest[cells], rows.largest)

    def values(self, pool: Pool) -> numpy.ndarray:
        """The mean or the largest of the pairs of each cell; −∞ where all are hidden."""
        if pool is Pool.MAX:
            return self.largest
        return numpy.where(self.pairs > 0, self.total / numpy.maximum(self.pairs, 1), -math.inf)


def _cuts(side: range, begin: int, end: int) -> tuple[int, list[int]]:
    """The first cell of ``side`` that has some of begin … end − 1, and where it and each one after it begins among these."""
    first = (begin - side.start) // side.step
    edges = range(side.start + (first + 1) * side.step, end, side.step)
    return first, [0, *(edge - begin for edge in edges)]
