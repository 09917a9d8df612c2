"""How queries and keys are cut into tiles that hold whole cells, or parts of one, and a tile into its cells."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from attnviz.attention.arrays import Array, namespace
from attnviz.attention.rule import Rule
from attnviz.attention.threads import on_cpu
from attnviz.attention.visibility import Visibility


def cells_of_keys(xp: Any, tile: Array, cell: int, fill: float = 0.0) -> Array:
    """(keys, queries) → (cells, keys of a cell, queries), the last cell filled up with ``fill``."""
    keys, queries = tile.shape
    cell = min(cell, keys)
    if keys % cell:
        rest = xp.full((-keys % cell, queries), fill, dtype=tile.dtype, device=tile.device)
        tile = xp.concat([tile, rest])
    return xp.reshape(tile, (-1, cell, queries))


def cells_of_queries(xp: Any, array: Array, cell: int, fill: float = 0.0) -> Array:
    """(cells of keys, queries) → (cells of keys, cells, queries of a cell), the last cell filled up with ``fill``."""
    rows, queries = array.shape
    cell = min(cell, queries)
    if queries % cell:
        rest = xp.full((rows, -queries % cell), fill, dtype=array.dtype, device=array.device)
        array = xp.concat([array, rest], axis=1)
    return xp.reshape(array, (rows, -1, cell))


def row_blocks(queries: int, cell: int, most: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Blocks of queries that hold whole cells, or all of those that one cell is cut into where it is too large."""
    step = max(cell, most // cell * cell)
    for start in range(0, queries, step):
        yield tuple(_blocks(start, min(start + step, queries), cell, most))


class Tile(NamedTuple):
    """Some keys, from ``first`` to ``last`` − 1, whole cells or a part of one.

    cell    how many keys a slot of it covers: the part of a cell that lies in it
    column  of the map, where its first slot lies; None: these keys are not shown
    """

    first: int
    last: int
    cell: int
    column: int | None

    @property
    def slots(self) -> int:
        return math.ceil((self.last - self.first) / self.cell)


def cut(begin: int, end: int, shown: range, most: int) -> Iterator[Tile]:
    """Tiles of the keys begin … end − 1, of which ``shown`` are in cells of its step: from the start of the cell that
    holds the first of them."""
    for first, last in _blocks(begin, min(shown.start, end), most, most):
        yield Tile(first, last, most, None)
    inner = max(shown.start, begin)
    inner -= (inner - shown.start) % shown.step
    for first, last in _blocks(inner, min(shown.stop, end), shown.step, most):
        yield Tile(first, last, shown.step, (first - shown.start) // shown.step)
    for first, last in _blocks(max(shown.stop, begin), end, most, most):
        yield Tile(first, last, most, None)


def _blocks(begin: int, end: int, cell: int, most: int) -> Iterator[tuple[int, int]]:
    if cell > most:
        for first in range(begin, end, cell):
            yield from (
                (place, min(place + most, first + cell, end)) for place in range(first, min(first + cell, end), most)
            )
    else:
        step = most // cell * cell
        yield from ((first, min(first + step, end)) for first in range(begin, end, step))


def sizes(array: Array, side: range) -> Array:
    """How many tokens each cell of ``side`` covers."""
    xp = namespace(array)
    return xp.asarray([min(side.step, side.stop - first) for first in side], device=array.device)


def cell_size(tokens: int, cells: int) -> int:
    """How many tokens a cell covers, so that at most ``cells`` of them cover all; the last may cover fewer."""
    return math.ceil(tokens / min(cells, tokens))


def visible_share(xp: Any, rule: Rule, query_edges: Array, key_edges: Array, dtype: Any) -> Array:
    """The share of the query-key pairs of each cell that causal and window let be seen.  (query_cells, key_cells)

    A closed form over the corners of the cells, so it costs nothing beside the map.
    """
    visibility = Visibility.of(rule, int(query_edges[-1]), int(key_edges[-1]))
    rows, columns = query_edges[:, None], key_edges[None, :]
    pairs = rows * columns
    if visibility.after < math.inf:
        pairs = _pairs_below(xp, rows, columns, visibility.last(0))
    if visibility.before < math.inf:
        pairs = pairs - _pairs_below(xp, rows, columns, visibility.first(0) - 1)
    pairs = pairs[1:, 1:] - pairs[:-1, 1:] - pairs[1:, :-1] + pairs[:-1, :-1]
    sizes = (rows[1:] - rows[:-1]) * (columns[:, 1:] - columns[:, :-1])
    return xp.astype(pairs, dtype) / xp.astype(sizes, dtype)


def _pairs_below(xp: Any, rows: Array, columns: Array, shift: int) -> Array:
    """How many pairs (i < rows, j < columns) have j ≤ i + shift."""

    # Beyond the map it is all the same how far, and the pairs of 2⁵³ tokens are no int64.
    shift = min(max(shift, -int(rows[-1, 0])), int(columns[0, -1]))

    def triangle(height: Array) -> Array:  # 1 + 2 + … + height
        height = xp.where(height > 0, height, 0 * height)
        return height * (height + 1) // 2

    start = shift + 1  # row i sees clip(i + start, 0, columns) of them
    seen = triangle(rows - 1 + start) - triangle(rows * 0 + start - 1)
    return seen - (triangle(rows - 1 + start - columns) - triangle(start - 1 - columns))


ACCELERATED = 8  # times as long are the sides on other devices, to which 1 MiB is too little work; not measured


def tile_for(array: Array, tile: tuple[int, int]) -> tuple[int, int]:
    """``tile``, or one that is larger where ``array`` does not lie on the CPU."""
    return tile[0] * longer(array), tile[1] * longer(array)


def longer(array: Array) -> int:
    """How many times as long the sides of a tile are on the device of ``array``."""
    return 1 if on_cpu(array) else ACCELERATED
