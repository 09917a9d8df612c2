"""One head and its rule: the scores of any of its cells, for those who do not want all of them at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from attnviz.attention.arrays import Array, like, namespace, overflow_unspoken, to_numpy
from attnviz.attention.formula import Steps
from attnviz.attention.rule import Rule
from attnviz.attention.visibility import reach
from attnviz.errors import AttnvizError

ROWS = 512  # of the keys that are looked at together


@dataclass(frozen=True)
class Head:
    """One head and its rule; ``scores`` is the formula of attend() up to the softmax, for any of its cells."""

    xp: Any
    query: Array  # (queries, d)
    key: Array  # (keys, d)
    rule: Rule
    dtype: Any
    mask: Array | None  # (queries, keys)
    bias: Array | None  # (queries, keys)
    sink: Array | None  # a single logit
    offset: int
    checked: bool  # whether scores could overflow
    longest_key: float  # the largest |k|

    @classmethod
    def of(cls, query: Array, key: Array, rule: Rule, head: int, dtype: Any, bound: float) -> Head:
        xp, queries, keys = namespace(query), int(query.shape[1]), int(key.shape[1])

        def whole(array: Array | None) -> Array | None:
            return None if array is None else namespace(array).broadcast_to(array, (queries, keys))

        own = rule.of_head(head)
        key = key[head // (query.shape[0] // key.shape[0])]
        sink = None if rule.sinks is None else like(xp.zeros(0, dtype=dtype, device=query.device), rule.sinks)[head]
        return cls(
            xp,
            query[head],
            key,
            rule,
            dtype,
            whole(own.mask),
            whole(own.bias),
            sink,
            rule.offset_for(queries, keys),
            checked=not bound < float(xp.finfo(dtype).max) / 4,
            longest_key=math.sqrt(
                max(longest(xp.asarray(key[first : first + ROWS], dtype=dtype)) for first in range(0, keys, ROWS))
            ),
        )

    def calm(self, block: Array) -> bool:
        """Whether no score of these queries can bring an exponential out of range, so that none needs a shift.

        |q · k| ≤ |q| |k|. The products of many a head are far below that limit, and two passes over each tile are saved.
        """
        limit = math.log(float(self.xp.finfo(self.dtype).max)) / 2
        if self.bias is not None or (self.sink is not None and not abs(float(self.sink)) < limit):
            return False
        return math.sqrt(longest(block)) * self.longest_key < limit

    def queries(self, start: int, stop: int) -> Array:
        """Some of the queries, times the scale.  (queries, d)"""
        return self.xp.asarray(self.query[start:stop], dtype=self.dtype) * self.rule.scale_for(self.query.shape[-1])

    def keys(self, first: int, last: int) -> Array:
        return self.xp.asarray(self.key[first:last], dtype=self.dtype)

    def scores(self, product: Array, rows: Array, keys: Array) -> Array:
        """``product`` = query · key · scale, turned into scores; rows and keys, which broadcast, name its cells."""
        return self.masked(self.scaled(product), rows, keys)

    def scaled(self, product: Array) -> Array:
        """``product``, capped if the rule says so."""
        xp, rule = self.xp, self.rule
        if self.checked and not bool(xp.all(xp.isfinite(product))):
            raise AttnvizError(
                f"the scores are too large for {product.dtype}: query times key, scaled, is not finite",
                "scale the inputs down, or use float64",
            )
        if rule.softcap is not None:
            product = rule.softcap * xp.tanh(product / rule.softcap)
        return product

    def masked(self, scaled: Array, rows: Array, keys: Array) -> Array:
        """``scaled`` with the bias, hidden cells −∞."""
        xp = self.xp
        if self.bias is not None:
            scaled = scaled + like(scaled, _cells(self.bias, rows, keys))
        visible = self._visible(rows, keys)
        if visible is not None:
            scaled = xp.where(visible, scaled, -math.inf)
        if self.bias is not None and not bool(xp.max(scaled) < math.inf):  # NaN is larger than all
            raise AttnvizError(f"masked are too large for {scaled.dtype}", "scale the inputs down, or use float64")
        return scaled

    def seen(self, scaled: Array, masked: Array) -> Array:
        """True for each cell that attend() does not count as hidden."""
        if self.bias is None:  # which alone could lower a cell instead
            return masked != -math.inf
        return ~Steps(scaled, scaled, masked, masked, masked).hidden

    def _visible(self, rows: Array, keys: Array) -> Array | None:
        seen = None
        before, after = reach(self.rule)
        if before != math.inf or after != math.inf:
            distance = keys - (rows + self.offset)
            seen = (distance >= -before) & (distance <= after)
        if self.mask is not None:
            mask = self.mask[rows, keys]
            seen = mask if seen is None else seen & mask
        return seen

    def sees_all(self, rows: tuple[int, int], keys: tuple[int, int]) -> bool:
        """Whether the tile of these rows and keys takes nothing from the rule beside the scale."""
        rule = self.rule
        if self.mask is not None or self.bias is not None or rule.softcap is not None or self.checked:
            return False
        before, after = reach(rule)
        lowest, highest = keys[0] - (rows[1] - 1 + self.offset), keys[1] - 1 - (rows[0] + self.offset)
        return lowest >= -before and highest <= after


def _cells(array: Array, rows: Array, keys: Array) -> Array:
    """Those of an ``array`` that may be of another library: a bias by distance is NumPy's, which alone can hold it."""
    if namespace(array) is not namespace(rows):
        rows, keys = to_numpy(rows), to_numpy(keys)
    return array[rows, keys]


def longest(array: Array) -> float:
    """The largest |row|² of an array."""
    xp = namespace(array)
    with overflow_unspoken():
        return float(xp.max(xp.sum(array * array, axis=-1)))
