"""The weights of attention for long contexts, pooled exactly into the cells of a picture, never holding T × T.

``pool()`` gives what average and maximum pooling of attend()'s weights would give, and for each query its entropy, its
largest weight and that weight's key, and the weight of the first key, in one pass over QKᵀ: block by block
(array_engine.py) for NumPy and torch, by a Triton kernel (gpu/) for tensors on a CUDA device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from operator import index
from typing import Any, Protocol

from attnviz.attention.arrays import Array, as_floating, like, namespace, overflow_unspoken
from attnviz.attention.checks import (
    bias_array,
    boolean_mask,
    finite_in,
    of_heads,
    of_scores,
    require_finite,
    require_fitting,
    require_one_kind,
    require_softcap_in,
    sink_logits,
    smaller_or_wider,
)
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import is_spread
from attnviz.errors import AttnvizError
from attnviz.pooling.array_engine import TILE, pool_blocks
from attnviz.pooling.known_weights import pool_weights
from attnviz.pooling.result import Measures, Pooled
from attnviz.pooling.scores import Factors
from attnviz.pooling.tiles import cell_size
from attnviz.progress import Progress, no_progress
from attnviz.text.message import Message

MOST_CELLS = 1024


class HasAttention(Protocol):
    """What ``pool`` reads of a Layer."""

    @property
    def query(self) -> Array: ...
    @property
    def key(self) -> Array: ...
    @property
    def weights(self) -> Array | None: ...
    @property
    def rule(self) -> Rule: ...


def pool(
    layer: HasAttention,
    heads: Sequence[int] | None = None,
    cells: int = MOST_CELLS,
    report: Progress = no_progress,
    *,
    queries: range | None = None,
    keys: range | None = None,
) -> Pooled:
    """Pool the weights of the given heads of a layer (all, unless given) into at most ``cells`` × ``cells`` cells.

    ``queries`` and ``keys`` are the positions that the map is of, range(A, B) each (all, unless given); the weights in it
    are those of the softmax over all keys, and the measures of a query those of its whole row.

    ``mean`` counts a hidden pair as 0, so that a row keeps its mass; ``mean / visible`` is the mean of
    the pairs that may be seen, which is what a picture shows, blank where ``visible`` is 0.

    The arrays of the result are of the same kind, and on the same device, as the layer's. Memory beside it grows with neither
    the number of tokens nor that of heads. ``report`` is told how much is done, of how much. AttnvizError where attend()
    raises it (of numbers too large for their type, not always of the same: the query is scaled before the product here),
    and when a head, ``cells``, ``queries`` or ``keys`` is out of range.
    """
    if layer.weights is not None:
        weights = _three_axes(layer.weights, "weights")
        down, across = _sides(weights.shape[1:], cells, queries, keys)
        return pool_weights(weights, layer.rule, _chosen(heads, int(weights.shape[0])), down, across, report)
    return pool_arrays(layer.query, layer.key, layer.rule, heads, cells, report, queries=queries, keys=keys)


def pool_arrays(
    query: Any,
    key: Any,
    rule: Rule | None = None,
    heads: Sequence[int] | None = None,
    cells: int = MOST_CELLS,
    report: Progress = no_progress,
    *,
    queries: range | None = None,
    keys: range | None = None,
    tile: tuple[int, int] = TILE,
    factors: Sequence[Factors] | None = None,
) -> Pooled:
    """The same for query (heads, queries, d) and key (kv_heads, keys, d), as NumPy arrays or torch tensors.

    Cells cover the same number of tokens each, as few as possible; the last ones what is left. float64 is computed in
    float64, everything else in float32 (on CUDA: products of the inputs as they are, sums in float32). ``tile`` is how many
    queries and keys NumPy and torch look at together, at the most: it changes the time and the memory, and no number.
    ``factors``, one for each head that is given, are what the weights are multiplied with before ``mean`` and ``maximum`` are
    taken, of the queries that the map is of, counted from the first; all else is of the weights themselves. NumPy and torch
    compute with them, and no kernel.
    """
    rule = rule or Rule()
    query, key = (_three_axes(array, name) for array, name in ((query, "query"), (key, "key")))
    chosen = _chosen(heads, int(query.shape[0]))
    down, across = _sides((query.shape[1], key.shape[1]), cells, queries, keys)
    bound = _bound(query, key, rule)
    rule = _checked_rule(query, key, rule).of_queries(down.start, down.stop, int(query.shape[1]), int(key.shape[1]))
    query = query[:, down.start : down.stop]
    pooled_by = _engine(query, key, rule, bound, across, tile)
    if factors is not None:
        pooled_by = partial(pool_blocks, tile=tile, factors=factors)
    measures = pooled_by(query, key, rule, chosen, down.step, across, bound, report)
    sink = _sink_share(rule, chosen, measures)
    return Pooled(
        mean=measures.mean,
        maximum=measures.maximum,
        counted=measures.visible,
        entropy=measures.entropy - _plogp(sink),
        largest=measures.largest,
        largest_key=measures.largest_key,
        first_key=measures.first_key,
        sink=sink,
        heads=chosen,
        query_edges=(*down, down.stop),
        key_edges=(*across, across.stop),
        rule=rule,
    )


def _sink_share(rule: Rule, heads: Sequence[int], measures: Measures) -> Array:
    """What the sinks of these heads take of each row.  (heads, queries)"""
    xp, top = namespace(measures.top), measures.top
    if rule.sinks is None:
        return xp.zeros_like(top)
    with overflow_unspoken():
        return xp.exp(like(top, rule.sinks)[list(heads)][:, None] - top) / measures.whole


def _plogp(share: Array) -> Array:
    """share · log₂ share, and 0 for 0."""
    xp = namespace(share)
    return share * xp.log2(xp.where(share > 0, share, 1.0))


def _sides(counts: Sequence[int], cells: int, queries: range | None, keys: range | None) -> tuple[range, range]:
    """The queries and the keys that a map is of, of so many each; the steps are what a cell covers."""
    if _whole(cells, "cells", Message("how many there are across a map, a whole number")) < 1:
        raise AttnvizError("cells is {cells}: a map needs at least 1", cells=cells)
    down, across = (
        _framed(side, int(count), name, cells)
        for side, count, name in zip((queries, keys), counts, ("queries", "keys"), strict=True)
    )
    return down, across


def _framed(side: range | None, count: int, name: str, cells: int) -> range:
    """The positions that a map is of, its step what a cell covers."""
    side = range(count) if side is None else side
    if not isinstance(side, range):
        raise AttnvizError(
            "{name} is {side!r:.60}: expected consecutive positions, such as range(0, 100)", name=name, side=side
        )
    if side.step != 1:
        raise AttnvizError(
            "{name} is {side}: expected consecutive positions, but its step is {step}",
            name=name,
            side=side,
            step=side.step,
        )
    if not side:
        raise AttnvizError("{name} is {side}: the range is empty", name=name, side=side)
    if not 0 <= side.start < side.stop <= count:
        there = Message(
            "there are {count:,} {name}, at the positions 0 to {last:,}", count=count, name=name, last=count - 1
        )
        raise AttnvizError("{name} is {side}: {there}", name=name, side=side, there=there)
    return range(side.start, side.stop, cell_size(len(side), cells))


def _whole(value: Any, name: str, expected: str) -> int:
    """``value`` as a whole number of Python, whichever library's it is."""
    try:
        return index(value)
    except TypeError:
        raise AttnvizError(
            "{name} is {value!r:.60}: expected {expected}", name=name, value=value, expected=expected
        ) from None


def _engine(
    query: Array, key: Array, rule: Rule, bound: float, shown: range, tile: tuple[int, int]
) -> Callable[..., Measures]:
    if getattr(query, "is_cuda", False):
        from attnviz.pooling.gpu.engine import pool_on_gpu
        from attnviz.pooling.gpu.inputs import takes

        if takes(query, key, rule, bound, shown):
            return pool_on_gpu
    return partial(pool_blocks, tile=tile)


def _three_axes(value: Any, name: str) -> Array:
    return _detached(of_heads(value, name))


def _chosen(heads: Sequence[int] | None, total: int) -> tuple[int, ...]:
    expected = Message("the numbers of some heads, such as [0, 3]")
    try:
        numbers = range(total) if heads is None else list(heads)
    except TypeError:
        raise AttnvizError("heads is {heads!r:.60}: expected {expected}", heads=heads, expected=expected) from None
    chosen = tuple(_whole(head, Message("one of heads"), expected) for head in numbers)
    if not chosen:
        raise AttnvizError("no head is chosen: name at least one")
    for head in chosen:
        if not 0 <= head < total:
            raise AttnvizError("there is no head {head}: the layer has heads 0 to {total}", head=head, total=total - 1)
    return chosen


def _bound(query: Array, key: Array, rule: Rule) -> float:
    """A number that no scaled score exceeds, from the largest number of each side; AttnvizError where one is not finite."""
    require_one_kind(query=query, key=key)
    require_fitting(query, key, key)
    scale = rule.scale_for(query.shape[-1])
    bound = abs(scale)
    for name, array in (("query", query), ("key", key)):
        xp = namespace(array)
        ends = (float(xp.min(array)), float(xp.max(array)))  # no copy of the array, as abs() and isfinite() would make
        if not all(math.isfinite(end) for end in ends):
            require_finite(as_floating(array, name), name)
        bound *= max(map(abs, ends))
        if name == "query":  # which is scaled before its products are made
            dtype = as_floating(array[0, 0, :1], name).dtype
            if not bound <= float(xp.finfo(dtype).max):
                raise AttnvizError(
                    "query times the scale {scale:g} is too large for {dtype}",
                    smaller_or_wider(dtype),
                    scale=scale,
                    dtype=dtype,
                )
    return float(bound * query.shape[-1])


def _checked_rule(query: Array, key: Array, rule: Rule) -> Rule:
    """The rule with its arrays beside the query, once they are known to fit."""
    (heads, queries, _), keys = (int(size) for size in query.shape), int(key.shape[1])
    rule.offset_for(queries, keys)
    xp, scores = namespace(query), (heads, queries, keys)
    number = sum(as_floating(array[0, 0, :1], "query") for array in (query, key))  # of the dtype that scores have
    require_softcap_in(number.dtype, xp, rule.softcap)
    arrays: dict[str, Array] = {}
    if rule.mask is not None:
        mask = of_scores(boolean_mask(rule.mask), "mask", scores)
        arrays["mask"] = like(query, mask, dtype=xp.bool)
    if rule.bias is not None:
        bias = finite_in(of_scores(bias_array(_detached(rule.bias)), "bias", scores), number)
        arrays["bias"] = bias if namespace(bias) is xp or is_spread(bias) else like(number, bias)
    if rule.sinks is not None:
        arrays["sinks"] = like(number, as_floating(_detached(rule.sinks), "sinks"))
        sink_logits(xp, arrays["sinks"], query)
    return replace(rule, **arrays) if arrays else rule


def _detached(array: Array) -> Array:
    """``array`` without its gradient."""
    return array.detach() if hasattr(array, "detach") else array
