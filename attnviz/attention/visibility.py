"""Which keys a query may see: decided here, and asked by everything that computes or shows attention.

Query i sees the keys first(i) … last(i), which causal and window leave it, and of these the ones that the mask shows. A bias
of −∞ hides a cell too, and so does a finite bias that lies so far below the others of its row that the weight is 0 whatever
the scores are: older code masks with −10⁴, −10⁹ or the lowest number of a type. A row that a bias lowers as a whole is not
hidden: softmax does not change when a number is added to all of a row.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from attnviz.attention.arrays import Array, like, namespace, overflow_unspoken, to_numpy
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import gathered, is_spread

GONE = 746.0  # e^−746 is 0 in float64, and so in every type
CELLS_AT_ONCE = 1 << 22  # cells of a head, read together
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
        """Whether the queries at ``rows`` see the keys at ``keys``, positions that broadcast; None where all see all."""
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


class Lowering(NamedTuple):
    """Which cells a finite bias hides: those whose weight is 0 whatever the scores are.

    |q · k| ≤ |q| |k| bounds a score, so a logit lies within bias ± |q| |k| · scale. Where the highest that a cell may have
    is further than e^x reaches below the least that the largest of its row must have, its weight is 0.

    queries, keys  (…, queries, 1) |q| · |scale|, and (…, 1, keys) |k|
    softcap        which bounds a score as well
    least          (…, queries, 1): the least that the largest logit of each row can be; −∞ where it sees no key
    """

    queries: Array
    keys: Array
    softcap: float | None
    least: Array

    def hides(self, bias: Array, rows: Any = None, keys: Any = None) -> Array:
        """Whether the cells of ``bias`` at these positions, two axes each that broadcast, are hidden; None: at all of them."""
        queries, lengths, least = self.queries, self.keys, self.least
        if rows is not None:
            queries, lengths, least = queries[..., rows, 0], lengths[..., 0, keys], least[..., rows, 0]
        unit = ROUNDING * float(namespace(bias).finfo(bias.dtype).eps)
        with overflow_unspoken():
            highest = bias + _possible(queries, lengths, self.softcap)
            return highest < least - GONE - unit * abs(least) - unit * abs(bias)


def lowering(
    query: Array, key: Array, rule: Rule, bias: Array, visibility: Visibility, cells: int = CELLS_AT_ONCE
) -> Lowering | None:
    """How ``bias``, (…, heads, queries, keys), hides cells of query (…, heads, queries, d) and key (…, kv_heads, keys, d),
    all in the type of the scores; None where it lowers none far enough. ``cells`` of a head are read at a time.
    """
    with overflow_unspoken():
        return _lowering(query, key, rule, bias, visibility, cells) if _may_lower(bias) else None


def _lowering(query: Array, key: Array, rule: Rule, bias: Array, visibility: Visibility, cells: int) -> Lowering:
    xp, (queries, keys) = namespace(query), _lengths(query, key, rule)
    rows = max(1, cells // visibility.keys)
    least = []
    for start in range(0, visibility.queries, rows):
        stop = min(start + rows, visibility.queries)
        begin, end = visibility.band(start, stop)
        begin, end = min(begin, visibility.keys - 1), max(end, min(begin, visibility.keys - 1) + 1)
        block = slice(start, stop), slice(begin, end)
        seen = visibility.block(*block, xp, query.device)
        logits = like(query, block_of(bias, *block)) - _possible(
            queries[..., start:stop, :], keys[..., begin:end], rule.softcap
        )
        logits = logits if seen is None else xp.where(seen, logits, -math.inf)
        least.append(xp.max(logits, axis=-1, keepdims=True))
    return Lowering(queries, keys, rule.softcap, xp.concat(least, axis=-2))


def _may_lower(bias: Array) -> bool:
    """Whether the finite numbers of ``bias`` lie so far apart that one may hide a cell beside another."""
    numbers = gathered(bias) if is_spread(bias) else bias
    xp = namespace(numbers)
    lowest = xp.min(xp.where(numbers == -math.inf, math.inf, numbers))
    return bool(xp.max(numbers) - lowest > GONE)


def _lengths(query: Array, key: Array, rule: Rule) -> tuple[Array, Array]:
    """|q| · |scale|, (…, heads, queries, 1), and |k|, (…, heads, 1, keys)."""
    xp = namespace(query)
    queries, keys = (xp.sqrt(xp.sum(array * array, axis=-1)) for array in (query, key))
    if query.ndim > 2 and keys.shape[-2] != queries.shape[-2]:  # each key head serves a group
        *batch, heads, count = keys.shape
        group = queries.shape[-2] // heads
        keys = xp.broadcast_to(keys[..., None, :], (*batch, heads, group, count))
        keys = xp.reshape(keys, (*batch, heads * group, count))
    return queries[..., None] * abs(rule.scale_for(query.shape[-1])), keys[..., None, :]


def _possible(queries: Array, keys: Array, softcap: float | None) -> Array:
    """The largest that scores of such lengths may be, their own rounding included."""
    largest = queries * keys * 1.001
    return largest if softcap is None else namespace(largest).where(largest < softcap, largest, softcap)


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
    """The same of queries, and of keys, that follow each other; an axis of 1 stays."""
    array = _two_axes(array)
    return array[..., rows if array.shape[-2] > 1 else slice(None), keys if array.shape[-1] > 1 else slice(None)]


def _two_axes(array: Array) -> Array:
    """``array`` with its missing axes, of what all share, in front."""
    return array if array.ndim > 1 else namespace(array).reshape(array, (1, -1))


def _both(one: Array | None, other: Array) -> Array:
    return other if one is None else one & other
