"""Where the cells of a pooled map lie, and how much of each a rule lets be seen: arithmetic on positions alone."""

from __future__ import annotations

import math
from typing import Any

from attnviz.attention.arrays import Array
from attnviz.attention.rule import Rule


def cell_size(tokens: int, cells: int) -> int:
    """How many tokens a cell covers, so that at most ``cells`` of them cover all; the last may cover fewer."""
    return math.ceil(tokens / min(cells, tokens))


def reach(rule: Rule) -> tuple[float, float]:
    """How far before and after its own position a query sees: key − position lies in [−before, after]."""
    distance = math.inf if rule.window is None else rule.window - 1
    return distance, 0 if rule.causal else distance


def band(rule: Rule, start: int, stop: int, queries: int, keys: int) -> tuple[int, int]:
    """The keys [begin, end) outside which none of the queries start … stop − 1 sees any."""
    offset = rule.offset_for(queries, keys)
    before, after = reach(rule)
    end = int(max(0, min(keys, stop - 1 + offset + after + 1)))
    return int(min(end, max(0, start + offset - before))), end


def visible_share(xp: Any, rule: Rule, query_edges: Array, key_edges: Array, dtype: Any) -> Array:
    """The share of the query-key pairs of each cell that causal and window let be seen.  (query_cells, key_cells)

    A closed form over the corners of the cells, so it costs nothing beside the map.
    """
    queries, keys = int(query_edges[-1]), int(key_edges[-1])
    offset = rule.offset_for(queries, keys)
    before, after = reach(rule)
    rows, columns = query_edges[:, None], key_edges[None, :]
    pairs = rows * columns if after == math.inf else _pairs_below(xp, rows, columns, offset + int(after))
    if before != math.inf:
        pairs = pairs - _pairs_below(xp, rows, columns, offset - int(before) - 1)
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
