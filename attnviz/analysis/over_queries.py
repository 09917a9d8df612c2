"""What metrics come to over the queries of a block: their sums, which of all blocks add up to means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy

from attnviz.analysis.blocks import Block, ratio
from attnviz.analysis.metrics import Metric
from attnviz.choices import Pool


class OverQueries(NamedTuple):
    """What the metrics of some queries come to.

    sums, counts, largest  of each metric the sum of its values over the queries, how many there are, and the largest of them (NaN
                           where nobody asks for it): (metrics, heads), or (metrics, texts, heads)
    even                   the sum of those that some metrics would have of a head that looks at all keys alike: the same
    """

    sums: numpy.ndarray
    counts: numpy.ndarray
    largest: numpy.ndarray
    even: numpy.ndarray


def over_queries(
    block: Block, queries: numpy.ndarray, metrics: Sequence[Metric], even: Sequence[Metric], pool: Pool
) -> OverQueries:
    """What ``metrics`` come to over those of the ``queries`` of ``block``, (rows,) or (texts, 1, rows), that see a key: one that sees
    none has no answer to anything."""
    heads = block.weights.shape[:-1]  # (…, heads, rows)
    values = numpy.array([numpy.broadcast_to(metric.function(block), heads) for metric in metrics], dtype=float)
    values = values.reshape(len(metrics), *heads)
    known = (block.seen > 0) & queries & ~numpy.isnan(values)
    sums = numpy.add.reduce(values, axis=-1, where=known)
    largest = numpy.full(sums.shape, math.nan)
    if pool is Pool.MAX:
        largest = numpy.fmax.reduce(numpy.where(known, values, math.nan), axis=-1)
    return OverQueries(sums, numpy.count_nonzero(known, axis=-1), largest, even_sums(block, queries, even))


def even_sums(block: Block, queries: numpy.ndarray, metrics: Sequence[Metric]) -> numpy.ndarray:
    """The sum of each metric over the ``queries`` of ``block``, did they look at all keys alike: (metrics, heads), or
    (metrics, texts, heads)."""
    heads = block.weights.shape[:-1]
    if not metrics:
        return numpy.zeros((0, *heads[:-1]))
    even = block.even
    sums = [numpy.nansum(numpy.where(queries, metric.function(even), math.nan), axis=-1) for metric in metrics]
    return numpy.array([numpy.broadcast_to(total, heads[:-1]) for total in sums])


class Totals:
    """What was found in all blocks so far, of so many ``heads``."""

    def __init__(self, metrics: Sequence[Metric], even: Sequence[Metric], heads: int) -> None:
        every = len(metrics), heads
        self._found = OverQueries(
            numpy.zeros(every), numpy.zeros(every, int), numpy.full(every, math.nan), numpy.zeros((len(even), heads))
        )
        self._even = [list(metrics).index(metric) for metric in even]

    def add(self, heads: slice, found: OverQueries) -> None:
        """What was found of these heads in one block more."""
        sums, counts, largest, even = (array[:, heads] for array in self._found)
        sums += found.sums
        counts += found.counts
        numpy.fmax(largest, found.largest, out=largest)
        even += found.even

    def answers(self, pool: Pool) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
        """Each metric, the mean over the queries or the largest of them, and how many these are, (metrics, heads); and the mean of an
        even head."""
        found = self._found
        values = ratio(found.sums, found.counts) if pool is Pool.MEAN else found.largest
        return values, found.counts, ratio(found.even, found.counts[self._even])
