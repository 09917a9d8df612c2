"""The pooled map block by block, for NumPy and torch: one pass over QKᵀ, holding no more than one tile of it.

For a block of queries, the keys are taken tile by tile. A tile's exponentials are relative to the largest score that
each query has in that tile; only their largest and their sum for each cell of keys are kept. When the last tile is
done, the row's normaliser is known (Milakov & Gimelshein 2018, 1805.02867), and what was kept is rescaled and reduced
over the queries of each cell.

Tiles are transposed, (keys, queries): reductions over the keys of a cell then run along whole rows of memory.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from attnviz.arrays import Array, as_floating, in_threads, namespace, overflow_unspoken
from attnviz.attention import Rule
from attnviz.pooling.cells import band
from attnviz.pooling.head import Head
from attnviz.pooling.measures import Measures
from attnviz.pooling.tiles import cells_of_keys, cells_of_queries, cut, row_blocks, sizes
from attnviz.progress import Report

QUERY_BLOCK, KEY_BLOCK = 512, 512  # a tile of float32 is 1 MiB, what one core has of cache
GATHERED = 1 << 19  # numbers of keys that are looked up at once for the largest weight's key
WORKERS = 8  # blocks at once: each holds some 10 MiB in float32


class _Strip(NamedTuple):
    """What is kept of the tiles of a block of queries, allocated at once: small arrays that outlive a tile, each
    allocated after it, would pin the memory that the tiles leave."""

    peak: Array  # (tiles, queries) the score that a tile's exponentials are relative to; −∞ where all are hidden
    moment: Array  # (tiles, queries) Σ exponential · (score − peak)
    largest: Array  # (slots, queries) of the exponentials; a slot is the part of a cell of keys that lies in a tile
    total: Array  # (slots, queries) of the exponentials
    seen: Array | None  # (slots, queries) how many keys each query sees
    place: Array | None  # (tiles, queries) the key of the largest, where no tile holds more than one slot
    first: Array  # (queries,) the first key's exponential, if the first tile begins with that key


def pool_blocks(
    query: Array,
    key: Array,
    rule: Rule,
    heads: Sequence[int],
    cell_queries: int,
    cell_keys: int,
    bound: float,
    report: Report,
) -> Measures:
    """All measures of some heads of query (heads, queries, d) and key (kv_heads, keys, d); no score exceeds bound."""
    xp, queries, keys = namespace(query), int(query.shape[1]), int(key.shape[1])
    dtype = xp.result_type(*(as_floating(array[:1, :1], "query") for array in (query, key)))

    def zeros(*shape: int, kind: Any = dtype) -> Array:
        return xp.zeros((len(heads), *shape), dtype=kind, device=query.device)

    heights, widths = (sizes(query, *side) for side in ((queries, cell_queries), (keys, cell_keys)))
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
    for place, number in enumerate(heads):
        head = Head.of(query, key, rule, number, dtype, bound)
        into = Measures(*(None if array is None else array[place] for array in measures))
        jobs = [
            _Job(head, blocks, cell_queries, cell_keys, into)
            for blocks in row_blocks(queries, cell_queries, QUERY_BLOCK)
        ]
        with closing(in_threads(query, _pool_job, jobs[::-1], WORKERS * 32 // xp.finfo(dtype).bits)) as running:
            for done, _ in enumerate(running, start=place * len(jobs) + 1):
                report(done, len(jobs) * len(heads))
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
    cell_keys: int
    into: Measures


def _pool_job(job: _Job) -> Iterator[None]:
    for start, stop in job.blocks:
        with overflow_unspoken():  # which NumPy asks of every thread
            _pool_rows(job.head, start, stop, job.cell_queries, job.cell_keys, job.into)
        yield


def _pool_rows(head: Head, start: int, stop: int, cell_queries: int, cell_keys: int, into: Measures) -> None:
    """Add the queries start … stop − 1 of one head to its measures."""
    xp, block = head.xp, head.queries(start, stop)
    begin, end = band(head.rule, start, stop, head.query.shape[0], head.key.shape[0])
    tiles = list(cut(begin, end, cell_keys, KEY_BLOCK))
    sink = head.sink
    if not tiles:
        if sink is not None:
            into.top[start:stop] = sink
        return
    slots = [math.ceil((last - first) / cell_keys) for first, last in tiles]
    bounds = list(itertools.pairwise(itertools.accumulate(slots, initial=0)))

    def zeros(rows: int) -> Array:
        return xp.zeros((rows, stop - start), dtype=head.dtype, device=block.device)

    seen = None if into.visible is None else zeros(sum(slots))
    one_slot = cell_keys >= KEY_BLOCK  # a tile then: its largest is found in it, not looked up among so many keys
    place = xp.zeros((len(tiles), stop - start), dtype=xp.int64, device=block.device) if one_slot else None
    strip = _Strip(zeros(len(tiles)), zeros(len(tiles)), zeros(sum(slots)), zeros(sum(slots)), seen, place, zeros(1)[0])
    calm = head.calm(block)
    tallest = max(last - first for first, last in tiles)
    work = zeros(tallest), zeros(tallest)  # the same for all tiles: fresh memory costs more than what is computed in it
    for number, (keys, (low, high)) in enumerate(zip(tiles, bounds, strict=True)):
        own = _Strip(
            strip.peak[number],
            strip.moment[number],
            strip.largest[low:high],
            strip.total[low:high],
            None if seen is None else seen[low:high],
            None if place is None else place[number],
            strip.first,
        )
        _reduce_tile(head, block, (start, stop), keys, cell_keys, calm, work, own)
    # A logarithm added to the largest score would vanish in it where that is large: the two stay apart to the end.
    top = xp.max(strip.peak, axis=0)
    if sink is not None:
        top = xp.maximum(top, sink)
    top = xp.where(top == -math.inf, 0.0, top)
    peaks = xp.where(strip.peak == -math.inf, top, strip.peak)
    shifts = xp.exp(peaks - top)  # (tiles, queries)
    whole = xp.zeros_like(top)
    for shift, (low, high) in zip(shifts, bounds, strict=True):
        whole += xp.sum(strip.total[low:high], axis=0) * shift
    if sink is not None:
        whole = whole + xp.exp(sink - top)
    whole = xp.where(whole == 0, 1.0, whole)  # a query that sees nothing has no weights
    shares = shifts / whole
    gaps = xp.log(whole) + xp.minimum(top - peaks, float(xp.finfo(head.dtype).max))  # finite, as 0 shares ask for

    best = xp.zeros_like(top)
    winner = xp.zeros(stop - start, dtype=xp.int64, device=top.device)  # a cell of keys, or the key itself
    entropy = xp.zeros_like(top)
    first_cell = slice(start // cell_queries, math.ceil(stop / cell_queries))
    each = zip(tiles, bounds, gaps, strip.moment, shares, strict=True)
    for number, ((first, _), (low, high), gap, moment, share) in enumerate(each):
        largest, total = strip.largest[low:high] * share, strip.total[low:high] * share  # (cells, queries)
        entropy += xp.sum(total, axis=0) * gap - moment * share
        highest = xp.max(largest, axis=0)
        first_slot = first // cell_keys
        candidate = first_slot + _first_of(xp, largest, highest) if place is None else place[number]
        winner = xp.where(highest > best, candidate, winner)
        best = xp.maximum(best, highest)
        cells = first_cell, slice(first_slot, first_slot + high - low)
        into.mean[cells] += xp.sum(cells_of_queries(xp, total, cell_queries), axis=-1).T
        largest = xp.max(cells_of_queries(xp, largest, cell_queries), axis=-1).T
        into.maximum[cells] = xp.maximum(into.maximum[cells], largest)
        if strip.seen is not None and into.visible is not None:
            into.visible[cells] += xp.sum(cells_of_queries(xp, strip.seen[low:high], cell_queries), axis=-1).T
    into.entropy[start:stop] = entropy / math.log(2)
    into.largest[start:stop] = best
    into.top[start:stop], into.whole[start:stop] = top, whole
    into.largest_key[start:stop] = _find_keys(head, block, start, winner, cell_keys) if place is None else winner
    if begin < cell_keys:
        into.first_key[start:stop] = strip.first * shares[0]


def _first_of(xp: Any, array: Array, highest: Array) -> Array:
    """The first row that holds the highest value of its column: argmax, which torch takes four times as long for."""
    rows = array.shape[0]
    ranks = xp.arange(rows, 0, -1, device=array.device)[:, None]
    return rows - xp.max(xp.where(array == highest, ranks, 0), axis=0)


def _reduce_tile(
    head: Head,
    block: Array,
    queries: tuple[int, int],
    keys: tuple[int, int],
    cell_keys: int,
    calm: bool,
    work: tuple[Array, Array],
    into: _Strip,
) -> None:
    """The tile of a block of queries and some keys, both from … to the one before, into its places of the strip."""
    xp = head.xp
    scores, exponentials = (array[: keys[1] - keys[0]] for array in work)
    xp.matmul(head.keys(*keys), block.T, out=scores)  # (keys, queries)
    ruled = not head.sees_all(queries, keys)
    if ruled:
        rows, columns = (xp.arange(*side, device=scores.device) for side in (queries, keys))
        scaled = head.scaled(scores)
        scores = head.masked(scaled, rows[None, :], columns[:, None])
        if into.seen is not None:
            seen = xp.astype(head.seen(scaled, scores), scores.dtype)
            into.seen[...] = xp.sum(cells_of_keys(xp, seen, cell_keys), axis=1)
    if not calm:
        peak = xp.max(scores, axis=0)  # (queries,)
        into.peak[...] = peak
        # finite, so that differences stay numbers where a query sees nothing
        scores -= xp.where(peak == -math.inf, 0.0, peak) if ruled else peak
    xp.exp(scores, out=exponentials)
    if keys[0] == 0:
        into.first[...] = exponentials[0]
    by_cell = cells_of_keys(xp, exponentials, cell_keys)
    into.largest[...] = xp.max(by_cell, axis=1)
    into.total[...] = xp.sum(by_cell, axis=1)
    if into.place is not None:
        into.place[...] = keys[0] + _first_of(xp, exponentials, into.largest[0])
    if ruled:
        scores = xp.where(exponentials == 0, 0.0, scores)
    exponentials *= scores
    into.moment[...] = xp.sum(exponentials, axis=0)


def _find_keys(head: Head, block: Array, start: int, cell: Array, cell_keys: int) -> Array:
    """The key of each query's largest score, looked up in the one cell of keys that holds it.  (queries,)"""
    xp, found = head.xp, []
    keys, width = head.key.shape
    inside = xp.arange(cell_keys, device=cell.device)
    step = max(1, GATHERED // (cell_keys * width))
    for first in range(0, cell.shape[0], step):
        place = cell[first : first + step, None] * cell_keys + inside  # (queries, keys of the cell)
        there = place < keys
        place = xp.where(there, place, keys - 1)
        rows = xp.arange(start + first, start + first + place.shape[0], device=cell.device)
        gathered = xp.take(head.key, xp.reshape(place, (-1,)), axis=0)
        gathered = xp.reshape(xp.asarray(gathered, dtype=head.dtype), (*place.shape, width))
        product = (gathered @ block[first : first + step, :, None])[..., 0]
        scores = xp.where(there, head.scores(product, rows[:, None], place), -math.inf)
        found.append(xp.take_along_axis(place, xp.argmax(scores, axis=1, keepdims=True), axis=1)[:, 0])
    return xp.concat(found)
