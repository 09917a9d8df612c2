"""A block of queries of one head: its tiles reduced to a strip, and the strip to weights, their entropy and their largest.

A tile's exponentials are relative to the largest score that each query has in that tile; only their largest and their sum
for each slot are kept. When the last tile is done, the row's normaliser is known (Milakov & Gimelshein 2018, 1805.02867),
and what was kept is rescaled and reduced over the queries of each cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from attnviz.attention.arrays import Array, like
from attnviz.pooling.result import Measures
from attnviz.pooling.scores import Head
from attnviz.pooling.tiles import Tile, cells_of_keys, cells_of_queries, longer

GATHERED = 1 << 19  # numbers of keys that are looked up at once for the largest weight's key


class Strip(NamedTuple):
    """What is kept of the tiles of a block of queries, allocated at once: small arrays that outlive a tile, each
    allocated after it, would pin the memory that the tiles leave."""

    peak: Array  # (tiles, queries) the score that a tile's exponentials are relative to; −∞ where all are hidden
    moment: Array  # (tiles, queries) Σ exponential · (score − peak)
    largest: Array  # (slots, queries) of the exponentials; a slot is the part of a cell of keys that lies in a tile
    total: Array  # (slots, queries) of the exponentials
    seen: Array | None  # (slots, queries) how many keys each query sees
    place: Array  # (tiles, queries) the key of the largest, of a tile that is one slot
    first: Array  # (queries,) the first key's exponential, if the first tile begins with that key
    brought: tuple[Array, Array] | None = None  # largest and total of the exponentials times the head's factors

    @classmethod
    def empty(cls, head: Head, block: Array, tiles: int, slots: int, counting: bool) -> Strip:
        """A strip for so many tiles; ``counting`` says whether the keys that are seen are to be counted."""
        xp, queries = head.xp, int(block.shape[0])

        def zeros(rows: int, kind: Any = head.dtype) -> Array:
            return xp.zeros((rows, queries), dtype=kind, device=block.device)

        seen = zeros(slots) if counting else None
        brought = None if head.factors is None else (zeros(slots), zeros(slots))
        kept = zeros(tiles), zeros(tiles), zeros(slots), zeros(slots)
        return cls(*kept, seen, zeros(tiles, xp.int64), zeros(1)[0], brought)

    def of_tile(self, number: int, slots: slice) -> Strip:
        """The places of one tile."""
        seen = None if self.seen is None else self.seen[slots]
        return Strip(
            self.peak[number],
            self.moment[number],
            self.largest[slots],
            self.total[slots],
            seen,
            self.place[number],
            self.first,
            None if self.brought is None else (self.brought[0][slots], self.brought[1][slots]),
        )


class _Normaliser(NamedTuple):
    """What turns the exponentials of a strip into weights.

    A logarithm added to the largest score would vanish in it where that is large: the two stay apart to the end.
    """

    top: Array  # (queries,) the largest score of each row, the sink's included
    whole: Array  # (queries,) Σ exp(score − top), the sink's included; 1 for a query that sees nothing
    shares: Array  # (tiles, queries) what an exponential of a tile is times, to be a weight
    gaps: Array  # (tiles, queries) log whole + top − the tile's peak


class _Best(NamedTuple):
    """The largest weight of each query so far, (queries,) each."""

    weight: Array
    key: Array  # that has it, or the first key of the slot that does
    sought: Array  # whether the key is still to be found in that slot


def fill(
    head: Head, block: Array, queries: tuple[int, int], tiles: Sequence[Tile], slots: Sequence[slice], strip: Strip
) -> None:
    """Reduce each tile of a block of queries into its places of the strip.

    ``block`` is (queries of the block, d), scaled; ``queries`` says where it lies: [start, stop). The tile at each place
    has the ``slots`` at the same place.
    """
    calm = head.calm(block)
    tallest = max(tile.last - tile.first for tile in tiles)
    # The same for all tiles: fresh memory costs more than what is computed in it.
    shape = tallest, int(block.shape[0])
    work = tuple(head.xp.zeros(shape, dtype=head.dtype, device=block.device) for _ in range(2))
    for number, (tile, some) in enumerate(zip(tiles, slots, strict=True)):
        _reduce_tile(head, block, queries, tile, calm, work, strip.of_tile(number, some))


def normalise(head: Head, strip: Strip, slots: Sequence[slice]) -> _Normaliser:
    """What turns the exponentials of ``strip`` into weights, of a tile at each of its ``slots``; finite, also for a query
    that sees nothing."""
    xp = head.xp
    top = xp.max(strip.peak, axis=0)
    if head.sink is not None:
        top = xp.maximum(top, head.sink)
    top = xp.where(top == -math.inf, 0.0, top)
    peaks = xp.where(strip.peak == -math.inf, top, strip.peak)
    shifts = xp.exp(peaks - top)  # (tiles, queries)
    whole = xp.zeros_like(top)
    for shift, some in zip(shifts, slots, strict=True):
        whole += xp.sum(strip.total[some], axis=0) * shift
    if head.sink is not None:
        whole = whole + xp.exp(head.sink - top)
    whole = xp.where(whole == 0, 1.0, whole)  # a query that sees nothing has no weights
    gaps = xp.log(whole) + xp.minimum(top - peaks, float(xp.finfo(head.dtype).max))  # finite, as 0 shares ask for
    return _Normaliser(top, whole, shifts / whole, gaps)


def gather(
    head: Head,
    strip: Strip,
    normaliser: _Normaliser,
    tiles: Sequence[Tile],
    slots: Sequence[slice],
    rows: tuple[slice, int],
    into: Measures,
) -> tuple[Array, _Best]:
    """Put the weights of a strip into the map, (query_cells, key_cells), ``rows`` being its rows of cells and how many
    queries each is of; of each query, (queries,), the entropy in nats and the largest weight."""
    xp, (cells, size) = head.xp, rows
    fill = -math.inf if head.factors is not None and head.factors.signed else 0.0
    entropy, nothing = xp.zeros_like(normaliser.top), xp.zeros_like(normaliser.top)
    best = _Best(nothing, xp.zeros_like(strip.place[0]), nothing > 0)
    for number, (tile, some) in enumerate(zip(tiles, slots, strict=True)):
        share = normaliser.shares[number]
        largest, total = strip.largest[some] * share, strip.total[some] * share  # (slots, queries)
        entropy += xp.sum(total, axis=0) * normaliser.gaps[number] - strip.moment[number] * share
        best = _better(xp, best, tile, largest, strip.place[number])
        if tile.column is not None:
            if strip.brought is not None:
                largest, total = (kept[some] * share for kept in strip.brought)
                if head.factors is not None and head.factors.signed:  # of what is hidden, −∞ times 0 is no number
                    largest = xp.where(strip.brought[0][some] == -math.inf, -math.inf, largest)
            columns = slice(tile.column, tile.column + tile.slots)
            into.mean[cells, columns] += xp.sum(cells_of_queries(xp, total, size), axis=-1).T
            highest = xp.max(cells_of_queries(xp, largest, size, fill), axis=-1).T
            into.maximum[cells, columns] = xp.maximum(into.maximum[cells, columns], highest)
            if strip.seen is not None and into.visible is not None:
                into.visible[cells, columns] += xp.sum(cells_of_queries(xp, strip.seen[some], size), axis=-1).T
    return entropy, best


def _better(xp: Any, best: _Best, tile: Tile, largest: Array, place: Array) -> _Best:
    """``best``, or the largest weights of one tile, (slots, queries), where these are larger."""
    highest = xp.max(largest, axis=0)
    several = tile.slots > 1
    candidate = tile.first + tile.cell * _first_of(xp, largest, highest) if several else place
    higher = highest > best.weight
    return _Best(
        xp.maximum(best.weight, highest),
        xp.where(higher, candidate, best.key),
        xp.where(higher, several, best.sought),
    )


def _first_of(xp: Any, array: Array, highest: Array) -> Array:
    """The first row that holds the highest value of its column: argmax, which torch takes four times as long for."""
    rows = array.shape[0]
    ranks = xp.arange(rows, 0, -1, device=array.device)[:, None]
    return rows - xp.max(xp.where(array == highest, ranks, 0), axis=0)


def _reduce_tile(
    head: Head,
    block: Array,
    queries: tuple[int, int],
    tile: Tile,
    calm: bool,
    work: tuple[Array, Array],
    into: Strip,
) -> None:
    """One tile of a block of queries, from … to the one before, into its places of the strip."""
    xp, keys = head.xp, (tile.first, tile.last)
    scores, exponentials = (array[: keys[1] - keys[0]] for array in work)
    xp.matmul(head.keys(*keys), block.T, out=scores)  # (keys, queries)
    ruled, hidden = not head.sees_all(queries, keys), None
    if ruled:
        rows, columns = (xp.arange(*side, device=scores.device) for side in (queries, keys))
        scores = head.scores(scores, rows[None, :], columns[:, None])
        if into.seen is not None:
            seen = xp.astype(scores != -math.inf, scores.dtype)
            into.seen[...] = xp.sum(cells_of_keys(xp, seen, tile.cell), axis=1)
        if head.factors is not None and head.factors.signed:
            hidden = scores == -math.inf
    if not calm:
        peak = xp.max(scores, axis=0)  # (queries,)
        into.peak[...] = peak
        # finite, so that differences stay numbers where a query sees nothing
        scores -= xp.where(peak == -math.inf, 0.0, peak) if ruled else peak
    xp.exp(scores, out=exponentials)
    if keys[0] == 0:
        into.first[...] = exponentials[0]
    by_cell = cells_of_keys(xp, exponentials, tile.cell)
    into.largest[...] = xp.max(by_cell, axis=1)
    into.total[...] = xp.sum(by_cell, axis=1)
    if tile.slots == 1:
        into.place[...] = keys[0] + _first_of(xp, exponentials, into.largest[0])
    if ruled:
        scores = xp.where(exponentials == 0, 0.0, scores)
    scores *= exponentials
    into.moment[...] = xp.sum(scores, axis=0)
    if into.brought is not None and head.factors is not None:
        exponentials *= like(exponentials, xp.matrix_transpose(head.factors.of(slice(*queries), slice(*keys))))
        by_cell = cells_of_keys(xp, exponentials, tile.cell)
        into.brought[1][...] = xp.sum(by_cell, axis=1)
        if head.factors.signed:
            seen = exponentials if hidden is None else xp.where(hidden, -math.inf, exponentials)
            by_cell = cells_of_keys(xp, seen, tile.cell, -math.inf)
        into.brought[0][...] = xp.max(by_cell, axis=1)


def find_keys(head: Head, block: Array, start: int, best: _Best, width: int) -> Array:
    """The key of each query's largest score, (queries,); where it is still sought, one of ``width`` keys from the one that is
    known on. ``block`` is (queries, d), scaled, and ``start`` the position of its first query."""
    xp, first = head.xp, best.key
    rows = xp.nonzero(best.sought)[0]
    keys, dimension = head.key.shape
    inside = xp.arange(width, device=first.device)
    step = max(1, GATHERED * longer(block) ** 2 // (width * dimension))
    for begin in range(0, rows.shape[0], step):
        some = rows[begin : begin + step]
        place = first[some][:, None] + inside  # (queries, keys of the slot)
        there = place < keys
        place = xp.where(there, place, keys - 1)
        gathered = xp.take(head.key, xp.reshape(place, (-1,)), axis=0)
        gathered = xp.reshape(xp.asarray(gathered, dtype=head.dtype), (*place.shape, dimension))
        product = (gathered @ block[some][:, :, None])[..., 0]
        scores = xp.where(there, head.scores(product, start + some[:, None], place), -math.inf)
        first[some] = xp.take_along_axis(place, xp.argmax(scores, axis=1, keepdims=True), axis=1)[:, 0]
    return first
