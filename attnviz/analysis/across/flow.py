"""Attention flow (Abnar & Zuidema 2020, 2005.00928, section 3): the most that can flow from a query, through all layers at once,
to a token, where each weight is what a pipe between two tokens of neighbouring layers can hold.

scipy's maximum flow (Dinic's algorithm) counts in whole numbers. Weights are rounded down to multiples of 2⁻³⁰, so what it finds
can really flow; and the pipes that it finds full cut the query off from the token, so what they hold, not rounded, is the most that
could. The two are the ends between which the flow lies: how far they are apart is computed for each, not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.across.passing import Passing
from attnviz.analysis.across.rollout import rollout
from attnviz.analysis.across.way import Way
from attnviz.attention.memory import require_memory
from attnviz.errors import AttnvizError
from attnviz.progress import Progress, no_progress
from attnviz.text.message import Message

UNITS = 1 << 30  # of a whole pipe: so that the sum of a row, 1, is a 32-bit number, as scipy wants it
MOST_TOKENS = 64  # of which every query's flow is computed; of more, one query's
MOST_TOKENS_OF_ONE = 4096  # beyond, all pairs of tokens are not held
BYTES_A_PIPE = 64  # with scipy's copies


class Flows(NamedTuple):
    """The flow from some queries to each token, (queries, tokens).

    values  what can flow, from 0 to 1; −∞ where no way leads to the token
    error   by how much the true flows are larger, at the most
    """

    values: numpy.ndarray
    error: float

    @property
    def shares(self) -> numpy.ndarray:
        """Each row divided by its sum, as Abnar & Zuidema's code has it; −∞ where no way leads."""
        there = numpy.where(self.values > -math.inf, self.values, 0.0)
        return numpy.where(self.values > -math.inf, there / there.sum(axis=1, keepdims=True), -math.inf)


def flow(way: Way, queries: Sequence[int], report: Progress = no_progress) -> Flows:
    """The flow from each of ``queries`` at the last layer of ``way`` to each token that its first layer reads.

    AttnvizError where scipy is missing, or there are more queries or tokens than can be computed.
    """
    _require_few(way, queries)
    network = _Network(way)
    found = rollout(way, queries)  # which tells the tokens that no way leads to, whose −∞ stays
    error, done = 0.0, 0
    pairs = numpy.argwhere(found > -math.inf).tolist()
    for done, (row, key) in enumerate(pairs, start=1):
        found[row, key], unsure = network.between(queries[row], key)
        error = max(error, unsure)
        report(done, len(pairs))
    return Flows(found, error)


def _require_few(way: Way, queries: Sequence[int]) -> None:
    """Refuse what would take hours, or hold too many pairs of tokens."""
    if len(queries) > 1 and way.tokens > MOST_TOKENS:
        raise AttnvizError(
            "the flow of {tokens:,} tokens is computed for one query at a time: of all queries, it is of {most} tokens at most",
            "choose one with --query, or use --across rollout",
            tokens=way.tokens,
            most=MOST_TOKENS,
        )
    if way.tokens > MOST_TOKENS_OF_ONE:
        raise AttnvizError(
            "the flow through {tokens:,} tokens would need all their pairs: it is of {most:,} tokens at most",
            "use --across rollout, which takes them row by row",
            tokens=way.tokens,
            most=MOST_TOKENS_OF_ONE,
        )
    require_memory(
        len(way.layers) * way.tokens**2 * BYTES_A_PIPE,
        Message("the flow through {tokens:,} tokens of {layers} layers", tokens=way.tokens, layers=len(way.layers)),
        "use --across rollout, or fewer layers with --layer",
    )


class _Network:
    """The pipes of a way: a place for the query, one for each token between two layers, and one for the token at the end."""

    def __init__(self, way: Way) -> None:
        self.sparse, self.csgraph = _scipy()
        self.pipes = [_pipes(way.passing(number)) for number in range(len(way.layers))]  # (tokens, tokens) each
        self.tokens = way.tokens
        self.places = (len(self.pipes) - 1) * self.tokens + 2
        self.middle = [self._rows(pipes, 1 + (level + 1) * self.tokens) for level, pipes in enumerate(self.pipes[1:-1])]

    def between(self, query: int, key: int) -> tuple[float, float]:
        """The flow from ``query`` to ``key``, and by how much the true one may be larger."""
        graph = self._graph(query, key)
        found = self.csgraph.maximum_flow(graph, 0, self.places - 1)
        value = int(found.flow_value) / UNITS
        return value, max(0.0, self._held_by_cut(query, key, self._before_the_cut(graph - found.flow)) - value)

    def _graph(self, query: int, key: int) -> Any:
        """What each pipe holds, in units, from place to place; only what can end at ``key`` leaves the first layer."""
        last = self.places - 1
        if len(self.pipes) == 1:
            parts = [self._rows(self.pipes[0][query, key].reshape(1, 1), last)]
        else:
            ends = self._rows(self.pipes[-1][:, key, None], last)
            parts = [self._rows(self.pipes[0][query, None], 1), *self.middle, ends]
        counts, columns, units = (numpy.concatenate(some) for some in zip(*parts, strict=True))
        starts = numpy.concatenate([[0], numpy.cumsum([*counts, 0])]).astype(numpy.int32)
        return self.sparse.csr_array((units, columns, starts), shape=(self.places, self.places))

    @staticmethod
    def _rows(pipes: numpy.ndarray, first: int) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
        """The pipes, (from, to), to the places from ``first`` on: how many leave each place, where they end, what they hold."""
        units = numpy.floor(pipes * UNITS).astype(numpy.int32)
        rows, columns = numpy.nonzero(units)
        counts = numpy.bincount(rows, minlength=len(pipes))
        return counts, (first + columns).astype(numpy.int32), units[rows, columns]

    def _before_the_cut(self, left: Any) -> numpy.ndarray:
        """Which places can still be reached from the query by what is ``left`` of the pipes, (places,)."""
        left.eliminate_zeros()
        order = self.csgraph.breadth_first_order(left, 0, return_predecessors=False)
        before = numpy.zeros(self.places, dtype=bool)
        before[order] = True
        return before

    def _held_by_cut(self, query: int, key: int, before: numpy.ndarray) -> float:
        """What the pipes from the places ``before`` the cut to those behind it hold, not rounded: no flow is larger."""
        levels = before[1:-1].reshape(-1, self.tokens)
        above = [numpy.eye(1, self.tokens, query, dtype=bool)[0], *levels]
        behind = [*~levels, numpy.eye(1, self.tokens, key, dtype=bool)[0]]
        return float(
            sum(pipes[start][:, end].sum() for pipes, start, end in zip(self.pipes, above, behind, strict=True))
        )


def _pipes(passing: Passing) -> numpy.ndarray:
    """What goes from each token to each through a layer, (tokens, tokens)."""
    tokens = passing.layer.queries
    pipes = numpy.zeros((tokens, tokens))
    for job in passing.jobs:
        passed = passing.passed(job)
        pipes[passed.rows, passed.keys] = passed.weights
        rows = numpy.arange(passed.rows.start, passed.rows.stop)
        pipes[rows, rows] += passed.own
    return pipes


def _scipy() -> tuple[Any, Any]:
    """scipy's sparse arrays, and its algorithms of graphs."""
    try:
        import scipy.sparse
        import scipy.sparse.csgraph
    except ModuleNotFoundError:
        raise AttnvizError("the flow needs scipy", "install it with: pip install 'attnviz[analysis]'") from None
    return scipy.sparse, scipy.sparse.csgraph
