"""What turns scores into weights, beside Q and K themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from attnviz.attention.arrays import Array
from attnviz.attention.toeplitz import of_heads
from attnviz.errors import AttnvizError
from attnviz.text.message import Message

LARGEST_POSITION = 2**53  # beyond it, positions would no longer be exact


@dataclass(frozen=True, eq=False)
class Rule:
    """What turns scores into weights, beside Q and K themselves.

    scale         factor of the scores; None is 1/√d_k
    causal        a query sees only keys at its own position or before
    query_offset  the position of the first query among the keys; None is 0, and only where there are as many
                  queries as keys
    window        a query sees only keys at a distance below this (causal: itself and window − 1 before it)
    softcap       scores become softcap · tanh(scores / softcap), which keeps them below softcap
    mask          bool, (queries, keys) or (heads, queries, keys): True = may attend
    bias          float, the same shapes: added to the scaled scores; −∞ hides
    sinks         float, (heads,): one logit per head, which takes a share of the weights and has no value
    """

    scale: float | None = None
    causal: bool = False
    query_offset: int | None = None
    window: int | None = None
    softcap: float | None = None
    mask: Array | None = None
    bias: Array | None = None
    sinks: Array | None = None

    def __post_init__(self) -> None:
        # A NumPy number would widen the arrays that it meets, and cannot be saved.
        for name, kind in (("scale", float), ("query_offset", int), ("window", int), ("softcap", float)):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, _plain(name, value, kind))
        if self.causal not in (True, False):
            raise AttnvizError("causal is {causal!r}: it must be true or false", causal=self.causal)
        object.__setattr__(self, "causal", bool(self.causal))
        if self.scale is not None and not math.isfinite(self.scale):
            raise AttnvizError("scale is {scale}: it must be a finite number", scale=self.scale)
        if self.window is not None and self.window < 1:
            raise AttnvizError("window is {window}: a query must see at least 1 key", window=self.window)
        if self.softcap is not None and not (math.isfinite(self.softcap) and self.softcap > 0):
            raise AttnvizError("softcap is {softcap}: it must be a finite number above 0", softcap=self.softcap)

    def scale_for(self, dimension: int) -> float:
        """The factor of the scores of queries with ``dimension`` numbers each."""
        return 1 / math.sqrt(dimension) if self.scale is None else self.scale

    def offset_for(self, queries: int, keys: int) -> int:
        """The position of the first query among the keys; AttnvizError where attnviz would have to guess."""
        if self.query_offset is not None:
            return self.query_offset
        if queries != keys and (self.causal or self.window is not None):
            raise AttnvizError(
                "{queries} queries and {keys} keys: at which key does the first query stand?",
                Message(
                    "query_offset=0 (--query-offset 0) aligns the first query with the first key, as torch's is_causal does; query_offset={offset} aligns the last query with the last key, as a key/value cache does",
                    offset=keys - queries,
                ),
                queries=queries,
                keys=keys,
            )
        return 0

    def of_queries(self, start: int, stop: int, queries: int, keys: int) -> Rule:
        """The rule of only the queries ``start`` … ``stop`` − 1, over the same keys; ``queries`` and ``keys`` say how many
        there are."""

        def rows(array: Array | None) -> Array | None:
            """(…, queries, keys) → (…, some queries, keys); what all queries share stays."""
            return array if array is None or array.ndim < 2 or array.shape[-2] == 1 else array[..., start:stop, :]

        offset = self.offset_for(queries, keys) + start
        return replace(self, query_offset=offset, mask=rows(self.mask), bias=rows(self.bias))

    def of_keys(self, start: int, stop: int, queries: int, keys: int) -> Rule:
        """The rule over only the keys ``start`` … ``stop`` − 1, hidden where they were; ``queries`` and ``keys`` say how
        many there are."""

        def columns(array: Array | None) -> Array | None:
            """(…, queries, keys) → (…, queries, some keys); what all keys share stays."""
            return array if array is None or array.ndim < 1 or array.shape[-1] == 1 else array[..., start:stop]

        offset = self.offset_for(queries, keys) - start
        return replace(self, query_offset=offset, mask=columns(self.mask), bias=columns(self.bias))

    def of_heads(self, heads: slice | list[int]) -> Rule:
        """The rule of only these heads."""
        sinks = None if self.sinks is None else self.sinks[heads]
        return replace(self, mask=of_heads(self.mask, heads), bias=of_heads(self.bias, heads), sinks=sinks)

    def of_head(self, head: int) -> Rule:
        """The rule of one head, its mask and its bias without an axis of heads."""
        if self.mask is None and self.bias is None and self.sinks is None:
            return self

        def one(array: Array | None) -> Array | None:
            """(heads, queries, keys) → (queries, keys)"""
            return array if array is None or array.ndim < 3 else array[head if array.shape[0] > 1 else 0]

        sinks = None if self.sinks is None else self.sinks[head : head + 1]
        return replace(self, mask=one(self.mask), bias=one(self.bias), sinks=sinks)


def _plain(name: str, value: Any, kind: type) -> Any:
    try:
        number = kind(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or (kind is int and number != value):
        raise AttnvizError(
            "{name} is {value!r}: it must be a whole number"
            if kind is int
            else "{name} is {value!r}: it must be a number",
            name=name,
            value=value,
        )
    if kind is int and abs(number) > LARGEST_POSITION:
        raise AttnvizError("{name} is {number}: it must be at most 2⁵³", name=name, number=number)
    return number


RULE_ARRAYS = ("mask", "bias", "sinks")
