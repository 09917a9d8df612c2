"""Which keys a query may see: decided here, and asked by everything that computes or shows attention.

Query i sees the keys first(i) … last(i), which causal and window leave it, and of these the ones that the mask shows. A bias
of −∞ hides a cell too, and so does a finite bias that lies so far below the others of its row that the weight is 0 whatever
the scores are: older code masks with −10⁴, −10⁹ or the lowest number of a type. A row that a bias lowers as a whole is not
hidden: softmax does not change when a number is added to all of a row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from attnviz.attention.arrays import Array, like, namespace, overflow_unspoken, to_numpy
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import gathered, is_spread

GONE = 746.0  # e^−746 is 0 in float64, and so in every type
CELLS_AT_ONCE = 1 << 20  # cells of a head, read together
ROUNDING = 4.0  # units in the last place: what the sum of a score and a bias may be off by, on each side


def reach(rule: Rule) -> tuple[float, float]:
    """How far before and after its own position a query sees: key − position lies in [−before, after]."""
    distance = math.inf if rule.window is None else rule.window - 1
    return distance, 0 if rule.causal else distance


class Visibility(NamedTuple):
    """Which of ``keys`` keys each of ``queries`` queries may see, before any bias.

    before, after  how far a query sees; offset, the position of the first query among the keys
    mask           bool, (…, queries, keys), any axis 1 or missing: True = may attend; None: there is none
    """

    queries: int
    keys: int
    offset: int
    before: float
    after: float
    mask: Array | None = None

    @classmethod
    def of(cls, rule: Rule, queries: int, keys: int, mask: Array | None = None) -> Visibility:
        """What ``rule`` says, with ``mask`` in place of its own, which may not be checked yet."""
        return cls(queries, keys, rule.offset_for(queries, keys), *reach(rule), mask)

    def first(self, query: Any) -> Any:
        """The first key that causal and window let a query see, or queries; it may lie before all keys."""
        return query + (self.offset - int(self.before)) if self.before < math.inf else 0 * query

    def last(self, query: Any) -> Any:
        """The last key that causal and window let a query see; it may lie behind all keys."""
        return query + (self.offset + int(self.after)) if self.after < math.inf else 0 * query + self.keys - 1

    def band(self, start: int, stop: int) -> tuple[int, int]:
        """The keys [begin, end) outside which none of the queries start … stop − 1 sees any."""
        end = max(0, min(self.keys, self.last(stop - 1) + 1))
        return min(end, max(0, self.first(start))), end

    def covers(self, rows: tuple[int, int], keys: tuple[int, int]) -> bool:
        """Whether each of the queries [start, stop) sees all of the keys [begin, end)."""
        return self.mask is None and self.first(rows[1] - 1) <= keys[0] and self.last(rows[0]) >= keys[1] - 1

    def cells(self, rows: Array, keys: Array) -> Array | None:
        """Whether the queries at ``rows`` see the keys at ``keys``, positions that broadcast: (…, *their shape), bool; None
        where all see all."""
        seen = None if self.mask is None else cells_of(self.mask, rows, keys)
        return self._near(seen, rows, keys)

    def block(self, rows: slice, keys: slice, xp: Any, device: Any) -> Array | None:
        """The same of queries, and of keys, that follow each other: (…, rows, keys)."""
        seen = None if self.mask is None else block_of(self.mask, rows, keys)
        positions = xp.arange(rows.start, rows.stop, device=device)[:, None]
        return self._near(seen, positions, xp.arange(keys.start, keys.stop, device=device))

    def _near(self, seen: Array | None, rows: Array, keys: Array) -> Array | None:
        """Those of the cells that are ``seen`` which causal and window leave."""
        if self.before < math.inf:
            seen = _both(seen, keys >= self.first(rows))
        return seen if self.after == math.inf else _both(seen, keys <= self.last(rows))


class Lengths(NamedTuple):
    """What bounds the scores: |q · k| ≤ |q| |k|.

    queries  (…, queries, 1): |q| · |scale|; keys (…, 1, keys): |k|
    softcap  which bounds a score as well
    """

    queries: Array
    keys: Array
    softcap: float | None

    def scores(self, rows: Any = None, keys: Any = None) -> Array:
        """The largest that the scores of these cells may be, two axes of positions that broadcast; None: of all of them."""
        queries, lengths = self.queries, self.keys
        if rows is not None:
            queries, lengths = queries[..., rows, 0], lengths[..., 0, keys]
        largest = queries * lengths * 1.001  # their own rounding included
        return (
            largest if self.softcap is None else namespace(largest).where(largest < self.softcap, largest, self.softcap)
        )

    def of_block(self, rows: slice, keys: slice) -> Lengths:
        """Those of queries, and of keys, that follow each other."""
        return Lengths(self.queries[..., rows, :], self.keys[..., keys], self.softcap)

    @property
    def largest(self) -> float:
        """The largest that any score may be."""
        xp = namespace(self.queries)
        bound = float(xp.max(self.queries)) * float(xp.max(self.keys)) * 1.001
        return bound if self.softcap is None or bound < self.softcap else self.softcap


class Lowering(NamedTuple):
    """Which cells a finite bias hides: those whose weight is 0 whatever the scores are.

    A logit lies within bias ± the largest that its score may be. Where the highest that a cell may have is further than e^x
    reaches below the least that the largest of its row must have, its weight is 0. Mostly the bias alone tells: it lies
    either far below the largest of its row, or near it.

    edge     (…, queries, 1): below it a bias hides; with ``lengths`` the least that the largest logit of the row can be
    lengths  what the scores of the cells may be, where the bias alone does not tell
    """

    edge: Array
    lengths: Lengths | None = None

    def hides(self, bias: Array, rows: Any = None, keys: Any = None) -> Array:
        """Whether the cells of ``bias`` at these positions, two axes each that broadcast, are hidden; None: at all of them."""
        edge = self.edge if rows is None else self.edge[..., rows, 0]
        if self.lengths is None:
            return bias < edge
        unit = _unit(bias)
        with overflow_unspoken():
            return bias + self.lengths.scores(rows, keys) < edge - GONE - unit * abs(edge) - unit * abs(bias)


def lowering(
    query: Array, key: Array, rule: Rule, bias: Array, visibility: Visibility, cells: int = CELLS_AT_ONCE
) -> Lowering | None:
    """How ``bias``, (…, heads, queries, keys), hides cells of query (…, heads, queries, d) and key (…, kv_heads, keys, d),
    all in the type of the scores; None where it lowers none far enough. ``cells`` of a head are read at a time.
    """
    with overflow_unspoken():
        if not _may_lower(bias):
            return None
        lengths = Lengths(*_lengths(query, key, rule), rule.softcap)
        blocks = list(_blocks(visibility, max(1, cells // visibility.keys)))
        edges, doubtful, largest = [], False, lengths.largest
        for block in blocks:
            edge, doubt = _edge(bias, visibility, block, largest, query)
            edges.append(edge)
            doubtful = doubtful or doubt
        xp = namespace(query)
        if not doubtful:
            return Lowering(xp.concat(edges, axis=-2))
        least = [_least(bias, visibility, block, lengths.of_block(*block), query) for block in blocks]
        return Lowering(xp.concat(least, axis=-2), lengths)


def _blocks(visibility: Visibility, rows: int) -> Iterator[tuple[slice, slice]]:
    """Some queries at a time, and the keys (one at least) outside which causal and window let them see none."""
    for start in range(0, visibility.queries, rows):
        stop = min(start + rows, visibility.queries)
        begin, end = visibility.band(start, stop)
        begin = min(begin, visibility.keys - 1)
        yield slice(start, stop), slice(begin, max(end, begin + 1))


def _edge(
    bias: Array, visibility: Visibility, block: tuple[slice, slice], score: float, beside: Array
) -> tuple[Array, bool]:
    """What a bias must lie below to hide a cell of these rows, and whether some cells lie so near it that their scores, of
    ``score`` at most, decide."""
    xp, some = namespace(beside), like(beside, block_of(bias, *block))
    seen = visibility.block(*block, xp, beside.device)
    some = some if seen is None else xp.where(seen, some, -math.inf)
    top = xp.max(some, axis=-1, keepdims=True)  # (…, rows, 1)
    edge, unit = top - GONE, _unit(some)
    sure = some + unit * abs(some) < edge - 2 * score - unit * (abs(top) + score)
    near = (some < edge) & (some > -math.inf) & ~sure
    rows = block[0].stop - block[0].start
    return xp.broadcast_to(edge, (*edge.shape[:-2], rows, 1)), bool(xp.any(near))


def _least(bias: Array, visibility: Visibility, block: tuple[slice, slice], lengths: Lengths, beside: Array) -> Array:
    """The least that the largest logit of each of these rows can be; −∞ where it sees no key.  (…, rows, 1)"""
    xp = namespace(beside)
    seen = visibility.block(*block, xp, beside.device)
    logits = like(beside, block_of(bias, *block)) - lengths.scores()
    return xp.max(logits if seen is None else xp.where(seen, logits, -math.inf), axis=-1, keepdims=True)


def _unit(array: Array) -> float:
    return ROUNDING * float(namespace(array).finfo(array.dtype).eps)


def _may_lower(bias: Array) -> bool:
    """Whether the finite numbers of ``bias`` lie so far apart that one may hide a cell beside another."""
    numbers = gathered(bias) if is_spread(bias) else bias
    xp = namespace(numbers)
    lowest = xp.min(xp.where(numbers == -math.inf, math.inf, numbers))
    return bool(xp.max(numbers) - lowest > GONE)


def _lengths(query: Array, key: Array, rule: Rule) -> tuple[Array, Array]:
    """|q| · |scale|, (…, heads, queries, 1), and |k|, (…, heads, 1, keys)."""
    xp = namespace(query)
    queries, keys = (_length(xp, array) for array in (query, key))
    if query.ndim > 2 and keys.shape[-2] != queries.shape[-2]:  # each key head serves a group
        *batch, heads, count = keys.shape
        group = queries.shape[-2] // heads
        keys = xp.broadcast_to(keys[..., None, :], (*batch, heads, group, count))
        keys = xp.reshape(keys, (*batch, heads * group, count))
    return queries[..., None] * abs(rule.scale_for(query.shape[-1])), keys[..., None, :]


def _length(xp: Any, array: Array) -> Array:
    """|x| of each row, whose squares neither vanish nor overflow where the numbers themselves do not."""
    largest = xp.max(xp.abs(array), axis=-1, keepdims=True)
    parts = array / xp.where(largest > 0, largest, 1.0)
    return (largest * xp.sqrt(xp.sum(parts * parts, axis=-1, keepdims=True)))[..., 0]


def cells_of(array: Array, rows: Array, keys: Array) -> Array:
    """The cells of ``array``, (…, queries, keys), at positions that broadcast; any of its last two axes may be 1.

    A bias by distance is NumPy's, which alone can hold it as what it is, whatever library the positions are of.
    """
    if namespace(array) is not namespace(rows):
        found = cells_of(array, to_numpy(rows), to_numpy(keys))
        return namespace(rows).asarray(found, device=rows.device)
    array = _two_axes(array)
    return array[..., rows if array.shape[-2] > 1 else 0 * rows, keys if array.shape[-1] > 1 else 0 * keys]


def block_of(array: Array, rows: slice, keys: slice) -> Array:
    """The same of queries, and of keys, that follow each other: (…, rows, keys); an axis of 1 stays."""
    array = _two_axes(array)
    return array[..., rows if array.shape[-2] > 1 else slice(None), keys if array.shape[-1] > 1 else slice(None)]


def _two_axes(array: Array) -> Array:
    """``array`` with its missing axes, of what all share, in front."""
    return array if array.ndim > 1 else namespace(array).reshape(array, (1, -1))


def _both(one: Array | None, other: Array) -> Array:
    return other if one is None else one & other
