"""Attention rollout (Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers", 2005.00928, section 3): how much of
each token reaches a query, if every layer hands on what it takes by its weights.

The product of the layers' matrices is taken from the last layer down, a few queries at a time, and of each layer some rows
at a time. One query so needs a vector of tokens, O(layers · T²) in all, and nothing of T × T is held. A block of queries
needs a row each, O(layers · T²) for every query; the weights are computed again for every block.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy

from attnviz.analysis.across.passing import Job, Passed, Passing
from attnviz.analysis.across.way import Way
from attnviz.analysis.blocks import WORKERS
from attnviz.attention.threads import side_by_side
from attnviz.progress import Progress, no_progress

CELLS = 1 << 22  # of queries × tokens in one block: 32 MiB
Query = int | list[int]  # a token, or the tokens of a word, whose mean counts


class Reached(NamedTuple):
    """What some queries have read of each token, after some layers.

    shares  (queries, tokens): each row adds up to 1
    seen    (queries, tokens): False where no way leads to the token
    """

    shares: numpy.ndarray
    seen: numpy.ndarray

    @property
    def values(self) -> numpy.ndarray:
        """The shares, −∞ where no way leads."""
        return numpy.where(self.seen, self.shares, -math.inf)


def rollout(way: Way, queries: Sequence[int], report: Progress = no_progress) -> numpy.ndarray:
    """What each of ``queries`` reads of each token, (queries, tokens): rows add up to 1; −∞ where no way leads to a token."""
    return numpy.concatenate([reached.values for reached in rollout_blocks(way, queries, report)])


def rollout_blocks(way: Way, queries: Sequence[Query], report: Progress = no_progress) -> Iterator[Reached]:
    """The same, as many queries at a time as a block of ``CELLS`` has rows."""
    size = max(1, CELLS // way.tokens)
    starts = range(0, len(queries), size)
    for place, start in enumerate(starts):

        def tell(done: int, of: int, place: int = place) -> None:
            report(place * of + done, len(starts) * of)

        *_, last = rollout_down(way, _alone(queries[start : start + size], way.tokens), tell)
        yield last


def rollout_mean(way: Way, queries: Sequence[Query], report: Progress = no_progress) -> list[Reached]:
    """What ``queries`` read on average, (1, tokens), after each layer from the last to the first; a vector all the way."""
    return list(rollout_down(way, _alone(queries, way.tokens).mean(axis=0, keepdims=True), report))


def rollout_down(way: Way, shares: numpy.ndarray, report: Progress = no_progress) -> Iterator[Reached]:
    """What becomes of ``shares``, (queries, tokens), of what leaves the last layer, after each layer down to the first."""
    reached = Reached(shares, shares > 0)
    for number in range(len(way.layers)):

        def tell(done: int, of: int, number: int = number) -> None:
            report(number * of + done, len(way.layers) * of)

        reached = _through(way.passing(number), reached, tell)
        yield reached


def _through(passing: Passing, above: Reached, report: Progress) -> Reached:
    """What is left of ``above`` on the tokens that a layer reads."""
    below = Reached(numpy.zeros_like(above.shares), numpy.zeros_like(above.seen))
    jobs = [job for job in passing.jobs if above.seen[:, job.rows].any()]

    def work(job: Job) -> Iterator[tuple[Passed, numpy.ndarray, numpy.ndarray]]:
        passed = passing.passed(job)
        shares, seen = above.shares[:, job.rows], above.seen[:, job.rows]
        yield passed, shares @ passed.weights, _reaches(seen, passed.seen & (passed.own < 1)[:, None])

    with side_by_side(passing.layer.queried, work, jobs, WORKERS) as results:
        for done, (passed, taken, sees) in enumerate(results, start=1):
            below.shares[:, passed.keys] += taken
            below.seen[:, passed.keys] |= sees
            below.shares[:, passed.rows] += above.shares[:, passed.rows] * passed.own
            below.seen[:, passed.rows] |= above.seen[:, passed.rows] & (passed.own > 0)
            report(done, len(jobs))
    return below


def _reaches(above: numpy.ndarray, seen: numpy.ndarray) -> numpy.ndarray:
    """Whether a way leads from each query over a row to each key: (queries, rows), (rows, keys) → (queries, keys)."""
    return numpy.asarray(above.astype(numpy.float32) @ seen.astype(numpy.float32) > 0)


def _alone(queries: Sequence[Query], tokens: int) -> numpy.ndarray:
    """Each of ``queries`` with all of itself, (queries, tokens)."""
    shares = numpy.zeros((len(queries), tokens))
    for row, query in zip(shares, queries, strict=True):
        own = [query] if isinstance(query, int) else query
        row[own] = 1 / len(own)
    return shares
