"""Which queries of a layer are compared with what the model computed, where to compare each would take too long.

Attention recomputed for every query costs at least what attention itself costs, a part of the forward pass that grows with the
text. So only as many are recomputed as a tenth of the pass allows: those where implementations go wrong (the first and the
last, both sides of where a window, a padding or a tile ends), and the rest at random, others in each layer and each text.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy

from attnviz.attention.arrays import Array, to_numpy
from attnviz.attention.visibility import Visibility
from attnviz.choices import Verify
from attnviz.trace.agreement import Agreement
from attnviz.trace.layer import Layer

LEAST = 64  # of each head and layer
# A query in a tenth of the pass costs as much as this many numbers of a token's output: measured on two decoders (64 of 512
# queries take 0.09 of the pass at 576 numbers a token), where recomputing costs some five times what the fused kernel does.
NUMBERS_A_QUERY = 8
TILE = 64  # queries that kernels compute together, or a multiple or part of it


class Comparison(NamedTuple):
    """Which queries are compared.

    verify     a sample of a long text's, or all
    all_below  up to so many queries, each is compared in any case
    """

    verify: Verify = Verify.SAMPLE
    all_below: int = LEAST


SAMPLED, EACH = Comparison(), Comparison(Verify.ALL)
OF_UNKNOWN_CODE = Comparison(all_below=512)  # of which nobody knows what it does to a query in the middle


def compared_queries(layer: Layer, comparison: Comparison = SAMPLED) -> numpy.ndarray:
    """The positions of the queries that are compared, in ascending order, (some queries,)."""
    queries = layer.queries
    count = allowed(layer)
    if comparison.verify is Verify.ALL or queries <= max(count, comparison.all_below):
        return numpy.arange(queries)
    random = numpy.random.default_rng(_seed(layer))
    ends = numpy.array([0, 1, queries - 2, queries - 1, *_edges(layer)])
    tiles = numpy.arange(TILE, queries, TILE)
    some = random.permutation(tiles)[: count // 4]  # of a long text only some, others in each layer
    chosen = numpy.concatenate([ends, some - 1, some])
    turn = random.random(queries)
    turn[chosen[(chosen >= 0) & (chosen < queries)]] = -1  # before all others
    first: numpy.ndarray = numpy.argpartition(turn, count)[:count]
    first.sort()
    return first


def agreement(errors: Mapping[str, float], layers: Sequence[Layer], comparison: Comparison) -> Agreement:
    """How far ``layers`` are from what was computed, by their titles, and of how many queries that is known."""
    if not errors:
        return Agreement()
    longest = max((layer for layer in layers if layer.title in errors), key=lambda layer: layer.queries)
    checked = len(compared_queries(longest, comparison))
    return Agreement(max(errors.values()), checked, errors, longest.queries)


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
