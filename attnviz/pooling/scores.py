"""One head and its rule: the scores of any of its cells, for those who do not want all of them at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from attnviz.attention.arrays import Array, like, namespace, overflow_unspoken
from attnviz.attention.checks import too_large
from attnviz.attention.rule import Rule
from attnviz.attention.visibility import Lowering, Visibility, cells_of, lowering

ROWS = 512  # of the keys that are looked at together


class Factors(NamedTuple):
    """What the weights of one head are multiplied with before they come into the map.

    of      numbers of some queries and keys, (queries or 1, keys), from −1 to 1
    signed  whether some may be below 0
    """

    of: Callable[[slice, slice], Array]
    signed: bool


@dataclass(frozen=True)
class Head:
    """One head and its rule; ``scores`` is the formula of attend() up to the softmax, for any of its cells."""

    xp: Any
    query: Array  # (queries, d)
    key: Array  # (keys, d)
    rule: Rule
    dtype: Any
    visibility: Visibility
    bias: Array | None  # (queries, keys)
    lowering: Lowering | None  # which cells the bias hides
    sink: Array | None  # a single logit
    checked: bool  # whether scores could overflow
    longest_key: float  # the largest |k|
    factors: Factors | None = None  # what each weight is multiplied with in the map

    @classmethod
    def of(cls, query: Array, key: Array, rule: Rule, head: int, dtype: Any, bound: float) -> Head:
        """Head ``head`` of query (heads, queries, d) and key (kv_heads, keys, d); no score exceeds ``bound``."""
        xp, own = namespace(query), rule.of_head(head)
        key, query = key[head // (query.shape[0] // key.shape[0])], query[head]
        visibility = Visibility.of(own, int(query.shape[0]), int(key.shape[0]), own.mask)
        sink = None if rule.sinks is None else like(xp.zeros(0, dtype=dtype, device=query.device), rule.sinks)[head]
        return cls(
            xp,
            query,
            key,
            own,
            dtype,
            visibility,
            own.bias,
            None if own.bias is None else _lowering(query, key, own, dtype, visibility),
            sink,
            checked=not bound < float(xp.finfo(dtype).max) / 4,
            longest_key=math.sqrt(
                max(longest(xp.asarray(key[at : at + ROWS], dtype=dtype)) for at in range(0, key.shape[0], ROWS))
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
        """Some of the keys.  (keys, d)"""
        return self.xp.asarray(self.key[first:last], dtype=self.dtype)

    def scores(self, product: Array, rows: Array, keys: Array) -> Array:
        """``product`` = query · key · scale, turned into scores, hidden cells −∞; rows and keys, which broadcast, name its cells."""
        xp, scores, hidden = self.xp, self._capped(product), None
        if self.bias is not None:
            bias = like(scores, cells_of(self.bias, rows, keys))
            hidden = None if self.lowering is None else self.lowering.hides(bias, rows, keys)
            scores = scores + bias
        visible = self.visibility.cells(rows, keys)
        scores = scores if visible is None else xp.where(visible, scores, -math.inf)
        if self.bias is not None and not bool(xp.max(scores) < math.inf):  # NaN is larger than all
            raise too_large("masked", scores.dtype)
        return scores if hidden is None else xp.where(hidden, -math.inf, scores)

    def _capped(self, product: Array) -> Array:
        """``product``, capped if the rule says so."""
        xp, rule = self.xp, self.rule
        if self.checked and not bool(xp.all(xp.isfinite(product))):
            raise too_large("scaled", product.dtype)
        return product if rule.softcap is None else rule.softcap * xp.tanh(product / rule.softcap)

    def sees_all(self, rows: tuple[int, int], keys: tuple[int, int]) -> bool:
        """Whether the tile of these rows and keys takes nothing from the rule beside the scale."""
        plain = self.bias is None and self.rule.softcap is None and not self.checked
        return plain and self.visibility.covers(rows, keys)


def _lowering(query: Array, key: Array, rule: Rule, dtype: Any, visibility: Visibility) -> Lowering | None:
    query, key = (namespace(array).asarray(array, dtype=dtype) for array in (query, key))
    return lowering(query, key, rule, rule.bias, visibility)


def longest(array: Array) -> float:
    """The largest |row|² of an array."""
    xp = namespace(array)
    with overflow_unspoken():
        return float(xp.max(xp.sum(array * array, axis=-1)))
