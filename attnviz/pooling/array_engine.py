"""The pooled map block by block, for NumPy and torch: one pass over QKᵀ, holding no more than one tile of it.

For a block of queries, the keys are taken tile by tile. A tile's exponentials are relative to the largest score that
each query has in that tile; only their largest and their sum for each cell of keys are kept. When the last tile is
done, the row's normaliser is known (Milakov & Gimelshein 2018, 1805.02867), and what was kept is rescaled and reduced
over the queries of each cell.

Tiles are transposed, (keys, queries): reductions over the keys of a cell then run along whole rows of memory.

Where only some keys are shown, the others are still of the softmax: their tiles have no cell of the map.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from attnviz.attention.arrays import Array, as_floating, namespace, overflow_unspoken
from attnviz.attention.rule import Rule
from attnviz.attention.threads import side_by_side
from attnviz.attention.visibility import Visibility
from attnviz.pooling.result import Measures
from attnviz.pooling.scores import Factors, Head
from attnviz.pooling.strip import Strip, fill, find_keys, gather, normalise
from attnviz.pooling.tiles import cut, row_blocks, sizes, tile_for
from attnviz.progress import Progress

TILE = 512, 512  # queries and keys: in float32 1 MiB, what one core has of cache
WORKERS = 8  # blocks at once: each holds some 10 MiB in float32


def pool_blocks(
    query: Array,
    key: Array,
    rule: Rule,
    heads: Sequence[int],
    cell_queries: int,
    shown: range,
    bound: float,
    report: Progress,
    tile: tuple[int, int] = TILE,
    factors: Sequence[Factors] | None = None,
) -> Measures:
    """All measures of some heads of query (heads, queries, d) and key (kv_heads, keys, d); no score exceeds bound.

    ``shown`` are the keys of the map; its step is how many a cell covers. ``tile`` is how many queries and keys are looked
    at together, at the most. ``factors``, one for each head, are what the weights in the map are multiplied with.
    """
    xp, queries, keys = namespace(query), int(query.shape[1]), int(key.shape[1])
    dtype = xp.result_type(*(as_floating(array[:1, :1], "query") for array in (query, key)))

    def zeros(*shape: int, kind: Any = dtype) -> Array:
        return xp.zeros((len(heads), *shape), dtype=kind, device=query.device)

    heights, widths = (sizes(query, side) for side in (range(0, queries, cell_queries), shown))
    shape = heights.shape[0], widths.shape[0]
    visible = None if rule.mask is None and rule.bias is None else zeros(*shape)
    largest_key = zeros(queries, kind=xp.int64)
    measures = Measures(
        zeros(*shape),
        zeros(*shape),
        visible,
        zeros(queries),
        zeros(queries),
        largest_key,
        zeros(queries),
        zeros(queries),
        zeros(queries) + 1,
    )
    tile = tile_for(query, tile)
    cuts = list(row_blocks(queries, cell_queries, tile[0]))
    pairs = [_pairs(rule, blocks, queries, keys) for blocks in cuts]
    done = 0
    for place, number in enumerate(heads):
        head = Head.of(query, key, rule, number, dtype, bound)
        head = head if factors is None else replace(head, factors=factors[place])
        if head.factors is not None and head.factors.signed:  # of which the largest may be below the 0 of a hidden pair
            measures.maximum[place] = -math.inf
        into = Measures(*(None if array is None else array[place] for array in measures))
        jobs = [_Job(head, blocks, cell_queries, shown, tile[1], into) for blocks in cuts]
        with side_by_side(query, _pool_job, jobs[::-1], WORKERS * 32 // xp.finfo(dtype).bits) as running:
            for some, _ in zip(pairs[::-1], running, strict=True):
                report(done := done + some, len(heads) * sum(pairs))
    area = xp.astype(heights[:, None] * widths, dtype)
    for sums in (measures.mean, visible):
        if sums is not None:
            sums /= area
    return measures


class _Job(NamedTuple):
    """Blocks of queries that no other job shares a cell with."""

    head: Head
    blocks: tuple[tuple[int, int], ...]
    cell_queries: int
    shown: range
    keys: int  # of a tile, at the most
    into: Measures


def _pool_job(job: _Job) -> Iterator[None]:
    for block in job.blocks:
        with overflow_unspoken():  # which NumPy asks of every thread
            _pool_rows(job, *block)
        yield


def _pairs(rule: Rule, blocks: tuple[tuple[int, int], ...], queries: int, keys: int) -> int:
    """How many pairs of query and key are computed for these blocks of queries: what takes the time."""
    bands = [Visibility.of(rule, queries, keys).band(*block) for block in blocks]
    return sum((stop - start) * (end - begin) for (start, stop), (begin, end) in zip(blocks, bands, strict=True))


def _pool_rows(job: _Job, start: int, stop: int) -> None:
    """Add the queries start … stop − 1 of one head to its measures."""
    head, into, shown = job.head, job.into, job.shown
    block = head.queries(start, stop)
    tiles = list(cut(*head.visibility.band(start, stop), shown, job.keys))
    if not tiles:
        if head.sink is not None:
            into.top[start:stop] = head.sink
        return
    ends = list(itertools.accumulate((tile.slots for tile in tiles), initial=0))
    slots = [slice(*ends_of_tile) for ends_of_tile in itertools.pairwise(ends)]
    strip = Strip.empty(head, block, len(tiles), ends[-1], into.visible is not None)
    fill(head, block, (start, stop), tiles, slots, strip)
    normaliser = normalise(head, strip, slots)
    cells = slice(start // job.cell_queries, math.ceil(stop / job.cell_queries))
    entropy, best = gather(head, strip, normaliser, tiles, slots, (cells, job.cell_queries), into)
    into.entropy[start:stop] = entropy / math.log(2)
    into.largest[start:stop] = best.weight
    into.top[start:stop], into.whole[start:stop] = normaliser.top, normaliser.whole
    into.largest_key[start:stop] = find_keys(head, block, start, best, shown.step)
    if tiles[0].first == 0:
        into.first_key[start:stop] = strip.first * normaliser.shares[0]
