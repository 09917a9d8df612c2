"""Which queries of a layer are compared with what the model computed, where to compare each would take too long.

Attention recomputed for every query costs at least what attention itself costs, a part of the forward pass that grows with the
text. So only as many are recomputed as a tenth of the pass allows: those where implementations go wrong (the first and the
last, both sides of where a window, a padding or a tile ends), and the rest at random, others in each layer and each text.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from random import Random
from typing import NamedTuple

import numpy

from attnviz.attention.arrays import Array, to_numpy
from attnviz.attention.visibility import Visibility
from attnviz.choices import Verify
from attnviz.trace.agreement import Agreement
from attnviz.trace.layer import Layer

LEAST = 64  # of each head and layer
# Of a long text a query is compared for each so many numbers of a token's output: so all that a capture does stays about a tenth of the
# pass (64 of 512 queries take 0.06 of it at 576 numbers a token, where recomputing costs some three times what the fused kernel does).
NUMBERS_A_QUERY = 9
TOGETHER = 8  # layers whose samples are drawn together
TILE = 64  # queries that kernels compute together, or a multiple or part of it


class Comparison(NamedTuple):
    """Which queries are compared.

    verify     a sample of a long text's, or all
    all_below  up to so many queries, each is compared in any case
    """

    verify: Verify = Verify.SAMPLE
    all_below: int = LEAST


class Samples:
    """Which queries are compared in each layer of a pass; those of layers that are alike are drawn some at a time, since in a pass to
    begin takes longer than to draw."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._drawn: dict[Hashable, list[numpy.ndarray]] = {}

    def of(self, alike: Hashable, layer: Callable[[], Layer]) -> numpy.ndarray:
        """Those of the next ``layer``, which is ``alike`` what was so before; None: nothing else is."""
        if alike is None:
            return compared_queries(layer(), self._comparison)
        waiting = self._drawn.setdefault(alike, [])
        if not waiting:
            waiting += drawn_queries(layer(), self._comparison, TOGETHER)
        return waiting.pop(0)


SAMPLED, EACH = Comparison(), Comparison(Verify.ALL)
OF_UNKNOWN_CODE = Comparison(all_below=512)  # of which nobody knows what it does to a query in the middle


def compared_queries(layer: Layer, comparison: Comparison = SAMPLED) -> numpy.ndarray:
    """The positions of the queries that are compared, in ascending order, (some queries,)."""
    return drawn_queries(layer, comparison, 1)[0]


def drawn_queries(layer: Layer, comparison: Comparison, layers: int) -> list[numpy.ndarray]:
    """The same of so many layers that are alike, of which ``layer`` is the first: each has others."""
    queries, count = layer.queries, compared_count(layer, comparison)
    if count == queries:
        return [numpy.arange(queries)] * layers
    random, ends = Random(_seed(layer)), numpy.array([0, 1, queries - 2, queries - 1, *_edges(layer)])
    ends = ends[(ends >= 0) & (ends < queries)]
    return [_drawn(random, ends, queries, count) for _ in range(layers)]


def compared_count(layer: Layer, comparison: Comparison) -> int:
    """How many queries of a layer are compared."""
    count = allowed(layer)
    each = comparison.verify is Verify.ALL or layer.queries <= max(count, comparison.all_below)
    return layer.queries if each else count


def _drawn(random: Random, ends: numpy.ndarray, queries: int, count: int) -> numpy.ndarray:
    """So many of the queries: those at the ``ends``, both sides of tiles (of a long text of only some), and others."""
    tiles = TILE * (1 + _spread(random, (queries - 1) // TILE, count // 4))
    chosen = numpy.zeros(queries, bool)
    chosen[ends] = chosen[tiles] = chosen[tiles - 1] = True
    others = numpy.flatnonzero(~chosen)
    chosen[others[_spread(random, len(others), count - queries + len(others))]] = True
    return numpy.flatnonzero(chosen)


def _spread(random: Random, places: int, count: int) -> numpy.ndarray:
    """So many of the places from 0 on, in ascending order, (count,); all, where these are fewer: one in each of as many parts alike,
    so that each place is as likely as any other and none is far from one that is chosen."""
    count = max(0, min(places, count))
    bounds = numpy.arange(count + 1) * places // max(1, count)
    drawn = numpy.array([random.random() for _ in range(count)])
    found: numpy.ndarray = bounds[:-1] + (drawn * numpy.diff(bounds)).astype(int)
    return found


def agreement(errors: Mapping[str, float], layers: Sequence[Layer], comparison: Comparison) -> Agreement:
    """How far ``layers`` are from what was computed, by their titles, and of how many queries that is known."""
    if not errors:
        return Agreement()
    longest = max((layer for layer in layers if layer.title in errors), key=lambda layer: layer.queries)
    return Agreement(max(errors.values()), compared_count(longest, comparison), errors, longest.queries)


def allowed(layer: Layer) -> int:
    """How many queries of a long text are compared."""
    return max(LEAST, layer.heads * int(layer.known("value").shape[-1]) // NUMBERS_A_QUERY)


def _seed(layer: Layer) -> int:
    """Another number for each text and layer: a number of every query decides, since texts often end alike, with [SEP]."""
    return zlib.crc32(to_numpy(layer.query[0, :, 0]).tobytes())


def _edges(layer: Layer) -> list[int]:
    """Both sides of where a window begins to cut, and of where a mask's first and last rows change: where padding ends."""
    rule, queries, keys = layer.rule, layer.queries, layer.keys
    seen = Visibility.of(rule, queries, keys)
    edges: list[int] = []
    if seen.before < queries + keys:
        begins = int(seen.before) - seen.offset  # the last query that sees the first key
        edges += [begins, begins + 1]
    if seen.after < queries + keys:
        ends = keys - 1 - int(seen.after) - seen.offset  # the first that sees the last key
        edges += [ends - 1, ends]
    if rule.mask is not None:
        shown = _ends(rule.mask)  # (rows, keys)
        changes = numpy.flatnonzero((shown[:, 1:] != shown[:, :-1]).any(axis=0)) - seen.offset
        edges += [*changes[:2], *changes[:2] + 1, *changes[-2:], *changes[-2:] + 1]
    return edges


def _ends(mask: Array) -> numpy.ndarray:
    """The first and the last row of a mask, of the first and the last head, (rows, keys)."""
    if mask.ndim == 1:
        mask = mask[None]
    rows = [mask[..., place, :] for place in (0, -1)]
    ends: numpy.ndarray = numpy.concatenate([to_numpy(row).reshape(-1, row.shape[-1])[[0, -1]] for row in rows])
    return ends
