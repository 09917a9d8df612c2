"""The first key that any query may look at, which the rule decides, whatever the scores are."""

from __future__ import annotations

import math

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.attention.arrays import as_floating, to_numpy
from attnviz.attention.checks import bias_beside, boolean_mask
from attnviz.attention.visibility import Lowering, Visibility, block_of, lowering
from attnviz.trace.layer import Layer


def first_key(layer: Layer, kept: numpy.ndarray, cells: int = CELLS) -> int | None:
    """The first of the ``kept`` keys that any query may look at, as the rule says, whatever the scores are."""
    rule, queries, keys = layer.rule, layer.queries, layer.keys
    mask = None if rule.mask is None else to_numpy(boolean_mask(rule.mask))
    visibility = Visibility.of(rule, queries, keys, mask)
    begin, end = visibility.band(0, queries)
    kept = kept & (numpy.arange(keys) >= begin) & (numpy.arange(keys) < end)
    if mask is None and rule.bias is None:
        return _first_true(kept)
    bias = lowered = None
    if rule.bias is not None:
        query, key = _vectors(layer)
        bias = bias_beside(query, to_numpy(rule.bias))
        lowered = lowering(query, key, rule, bias, visibility)
    start, step = int(kept.argmax()), 1
    while start < keys:
        some = slice(start, min(start + step, keys))
        if (seen := _first_true(_seen_by_any(visibility, bias, lowered, some) & kept[some])) is not None:
            return start + seen
        start, step = some.stop, 2 * step if 2 * step * queries * layer.heads <= cells else step
    return None


def _vectors(layer: Layer) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Query and key as NumPy computes with them."""
    return as_floating(to_numpy(layer.query), "query"), as_floating(to_numpy(layer.key), "key")


def _seen_by_any(
    visibility: Visibility, bias: numpy.ndarray | None, lowered: Lowering | None, keys: slice
) -> numpy.ndarray:
    """Whether any query may look at each of these keys, (keys,)."""
    queries = slice(0, visibility.queries)
    seen = visibility.block(queries, keys, numpy, "cpu")
    seen = numpy.ones((1, 1), dtype=bool) if seen is None else seen  # (…, queries, keys), or 1 for what they share
    if bias is not None:
        some = block_of(bias, queries, keys)
        seen = seen & (some > -math.inf)
        if lowered is not None:
            rows, columns = numpy.arange(visibility.queries)[:, None], numpy.arange(keys.start, keys.stop)[None, :]
            seen = seen & ~lowered.hides(some, rows, columns)
    return numpy.broadcast_to(seen.any(axis=tuple(range(seen.ndim - 1))), (keys.stop - keys.start,))


def _first_true(array: numpy.ndarray) -> int | None:
    return int(array.argmax()) if array.any() else None
