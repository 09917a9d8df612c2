"""How far the weights of two heads are apart, token by token, row block by row block.

A row of weights is a distribution over keys. Two rows are compared over the keys that both texts have; what either gives to
the keys that only one has, or that are left out, counts together as one further key, since nobody can say which of them
corresponds to which. So a difference is never made up by tokens that moved, and is at least as large as what is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy

from attnviz.analysis.blocks import WORKERS, rows_of_a_block
from attnviz.attention.arrays import to_numpy
from attnviz.attention.known_weights import rounding, sum_tolerance
from attnviz.attention.threads import side_by_side
from attnviz.choices import Pool
from attnviz.progress import Progress, no_progress
from attnviz.trace.layer import Layer
from attnviz.trace.slices import seen_keys, some_queries, weighed

CELLS = 1 << 17  # of a block: what is computed of them stays in a processor's cache, and few are beyond a causal rule
ROWS = 64  # queries of a block, below which their products take longer than what else is computed of twice as many
LEAST = numpy.finfo(numpy.float64).tiny  # in place of 0 in a logarithm, whose part is 0 all the same


class Places(NamedTuple):
    """Positions that two layers share, (pairs,) each: of their queries, and of their keys."""

    left_queries: numpy.ndarray
    right_queries: numpy.ndarray
    left_keys: numpy.ndarray
    right_keys: numpy.ndarray


class Largest(NamedTuple):
    """The pair whose two weights are furthest apart: its positions in the left text, and in the right; and the weights."""

    query: int
    key: int
    right_query: int
    right_key: int
    left: float
    right: float


class Apart(NamedTuple):
    """How far two heads are apart.

    rows       the Jensen–Shannon divergence of each pair of queries, in bits; NaN where one of them sees no key  (queries,)
    largest    the pair of a query and a key with the largest difference; None where there is none
    rest       the mean share of the weights, left and right, on keys that are compared together; NaN where no row is
    """

    rows: numpy.ndarray
    largest: Largest | None
    rest: tuple[float, float]

    def divergence(self, pool: Pool) -> float:
        """The mean of the rows, or the largest; NaN where none is known."""
        known = self.rows[~numpy.isnan(self.rows)]
        if not known.size:
            return math.nan
        return float(known.max() if pool is Pool.MAX else known.mean())


def jensen_shannon(left: numpy.ndarray, right: numpy.ndarray) -> numpy.ndarray:
    """The Jensen–Shannon divergence of distributions, (…, keys) each, in bits: from 0, of equal ones, to 1, of those that
    share no key (Lin 1991, "Divergence Measures Based on the Shannon Entropy", equation 4.1).  (…)"""
    mean = left + right
    mean /= 2
    room = numpy.empty_like(mean)  # for all three: fresh memory costs more than what is computed in it
    apart = _entropy(mean, room) - (_entropy(left, room) + _entropy(right, room)) / 2
    return numpy.asarray(numpy.clip(apart, 0.0, 1.0))


def _entropy(shares: numpy.ndarray, room: numpy.ndarray) -> numpy.ndarray:
    """−Σ p log₂ p over the keys, in bits; ``room``, of their shape, is written over."""
    logarithms = numpy.log2(numpy.maximum(shares, LEAST, out=room), out=room)
    return numpy.asarray(-numpy.einsum("...k,...k->...", shares, logarithms))


def heads_apart(
    left: Layer,
    right: Layer,
    heads: list[tuple[int, int]],
    places: Places,
    report: Progress = no_progress,
    cells: int | None = None,
) -> list[Apart]:
    """How far each pair of heads, (left, right), is apart over the ``places`` that both share; of ``cells`` weights at a time."""
    if cells is None:
        cells = CELLS if left.keys * ROWS <= CELLS else 2 * CELLS
    cuts = row_cuts(left, right, places, cells)
    work = [(pair, cut) for pair in heads for cut in cuts]
    least = _least_lacking(left), _least_lacking(right)

    def of_block(job: tuple[tuple[int, int], slice]) -> Iterator[_Block]:
        (first, second), cut = job
        sides = _rows(left, first, places.left_queries[cut]), _rows(right, second, places.right_queries[cut])
        yield _block(*sides, places, least)

    found: list[list[_Block]] = [[] for _ in heads]
    with side_by_side(left.queried, of_block, work, WORKERS) as blocks:
        for number, block in enumerate(blocks, start=1):
            found[(number - 1) // len(cuts)].append(block)
            report(number, len(work))
    return [_joined(some, cuts, places) for some in found]


def row_cuts(left: Layer, right: Layer, places: Places, cells: int = CELLS) -> list[slice]:
    """The pairs of queries in blocks, none of which reaches over more queries of either layer than ``cells`` weights have room
    for: those between, that have no partner, are computed along with them."""
    most = rows_of_a_block(left, cells), rows_of_a_block(right, cells)
    cuts, start = [], 0
    while start < len(places.left_queries):
        stop = min(
            int(numpy.searchsorted(queries, queries[start] + size))
            for queries, size in zip(places[:2], most, strict=True)
        )
        cuts.append(slice(start, stop))
        start = stop
    return cuts


class _Rows(NamedTuple):
    """Some rows of one head: their weights on the keys from ``start`` on, (rows, keys), beside which all are 0; and which of
    them see no key, (rows,)."""

    weights: numpy.ndarray
    start: int
    blind: numpy.ndarray


def _rows(layer: Layer, head: int, queries: numpy.ndarray) -> _Rows:
    """The rows ``queries``, which rise, of a head."""
    start, stop = int(queries[0]), int(queries[-1]) + 1
    span, some = seen_keys(some_queries(layer, start, stop))
    steps = weighed(some, head)
    rows = slice(None) if len(queries) == stop - start else queries - start
    return _Rows(to_numpy(steps.weights)[rows], span.start, to_numpy(steps.blind)[rows])


class _Side(NamedTuple):
    """The rows of one head, as they are compared.

    weights  on the keys that both texts have, (rows, keys)
    shares   the same, and on all others together, and what a sink took or weights alone lack to 1: a distribution,
             (rows, keys + 2)
    rest     on all others together, (rows,)
    """

    weights: numpy.ndarray
    shares: numpy.ndarray
    rest: numpy.ndarray


def _side(rows: _Rows, keys: numpy.ndarray, least: float) -> _Side:
    """``rows`` over ``keys``, which rise; what a row lacks counts from ``least`` on."""
    shares = numpy.zeros((len(rows.weights), len(keys) + 2))
    first, last = numpy.searchsorted(keys, (rows.start, rows.start + rows.weights.shape[1]))
    columns = keys[first:last] - rows.start
    shares[:, first:last] = rows.weights[:, _as_slice(columns)]
    others = numpy.ones(rows.weights.shape[1], dtype=bool)
    others[columns] = False
    rest = shares[:, -2] = rows.weights[:, others].sum(axis=-1, dtype=numpy.float64)
    weights = shares[:, :-2].copy() if least < math.inf else shares[:, :-2]
    if least < math.inf:  # else rows add up to 1
        total = shares.sum(axis=-1)
        lacking = numpy.clip(1 - total, 0.0, 1.0)
        shares[:, -1] = numpy.where((lacking > least) & ~rows.blind, lacking, 0.0)
        shares /= numpy.maximum(total + shares[:, -1], 1.0)[:, None]
    return _Side(weights, shares, rest)


def _as_slice(places: numpy.ndarray) -> slice | numpy.ndarray:
    """``places``, which rise, as a slice where none between them is left out: what it takes is not copied."""
    if len(places) and places[-1] - places[0] == len(places) - 1:
        return slice(int(places[0]), int(places[-1]) + 1)
    return places


def _least_lacking(layer: Layer) -> float:
    """From where on what a row of ``layer`` lacks to 1 is more than rounding; nothing is, without a sink and of no weights
    alone."""
    if layer.weights is not None:
        return sum_tolerance(rounding(layer.weights), layer.keys)
    return 0.0 if layer.rule.sinks is not None else math.inf


class _Block(NamedTuple):
    """What is known of some rows: their divergences; the place among them, and the weights, of the largest difference; and
    the sums of the rests, and of how many rows."""

    rows: numpy.ndarray
    place: tuple[int, int]
    both: tuple[float, float]
    rest: tuple[float, float]
    compared: int


def _block(left: _Rows, right: _Rows, places: Places, least: tuple[float, float]) -> _Block:
    """Both over the keys that at least one of them may see."""
    both = (places.left_keys, left), (places.right_keys, right)
    ends = [numpy.searchsorted(keys, (rows.start, rows.start + rows.weights.shape[1])) for keys, rows in both]
    begin, end = int(min(first for first, _ in ends)), int(max(last for _, last in ends))
    one, other = (_side(rows, keys[begin:end], some) for (keys, rows), some in zip(both, least, strict=True))
    seen = ~(left.blind | right.blind)
    divergences = numpy.where(seen, jensen_shannon(one.shares, other.shares), math.nan)
    rest = float(one.rest[seen].sum()), float(other.rest[seen].sum())
    difference = one.weights - other.weights
    numpy.abs(difference, out=difference)
    difference[~seen] = 0
    if not difference.size:
        return _Block(divergences, (0, 0), (0.0, 0.0), rest, int(seen.sum()))
    row, key = divmod(int(difference.argmax()), difference.shape[1])
    weights = (float(one.weights[row, key]), float(other.weights[row, key])) if seen[row] else (0.0, 0.0)
    return _Block(divergences, (row, begin + key), weights, rest, int(seen.sum()))


def _joined(blocks: list[_Block], cuts: list[slice], places: Places) -> Apart:
    """What the blocks of one pair of heads tell together; of equal differences the first counts."""
    number = max(range(len(blocks)), key=lambda one: (abs(blocks[one].both[0] - blocks[one].both[1]), -one))
    block, (row, key) = blocks[number], blocks[number].place
    row += cuts[number].start
    largest = None
    if block.both[0] != block.both[1]:
        query, right_query = int(places.left_queries[row]), int(places.right_queries[row])
        largest = Largest(query, int(places.left_keys[key]), right_query, int(places.right_keys[key]), *block.both)
    count = sum(one.compared for one in blocks)
    left, right = (sum(one.rest[side] for one in blocks) for side in (0, 1))
    rest = (left / count, right / count) if count else (math.nan, math.nan)
    return Apart(numpy.concatenate([one.rows for one in blocks]), largest, rest)
