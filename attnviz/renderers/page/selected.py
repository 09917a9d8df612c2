"""The arrays of only the selected heads of a layer: their vectors, and their rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.attention.rule import Rule
from attnviz.trace.projection import Projection
from attnviz.trace.selection import LayerSelection

MATRIX = (
    1 << 16
)  # numbers of a W_O that the browser multiplies with: beyond it a page holds what W_O makes of the outputs


def selected_vectors(selected: LayerSelection) -> dict[str, numpy.ndarray]:
    """Query, key and value of the selected heads, (heads, tokens, d); a key/value head that several read is there once."""
    layer, kept = selected.layer, kv_heads(selected)
    return {
        "query": to_numpy(layer.query)[list(selected.heads)],
        "key": to_numpy(layer.key)[kept],
        "value": to_numpy(layer.value)[kept],
    }


def vectors_by_head(
    selected: LayerSelection, vectors: Mapping[str, numpy.ndarray] | None = None
) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Query, key and value in the type that attend() computes with, each selected head with a key and a value of its own;
    with ``vectors``, those in place of its own."""
    own = selected_vectors(selected) if vectors is None else vectors
    kept, kind = kv_indices(selected), computed_type(selected)
    query, key, value = (own[name].astype(kind) for name in ("query", "key", "value"))
    return query, key[kept], value[kept]


def computed_type(selected: LayerSelection) -> str:
    """The type of the numbers that attend() computes this layer with: "float32" or "float64"."""
    return str(selected.layer.steps(0, query=0).scaled.dtype).rpartition(".")[2]


def selected_rule(selected: LayerSelection) -> Rule:
    """The layer's rule, its arrays those of the selected heads, in NumPy."""
    rule = selected.layer.rule.of_heads(list(selected.heads))
    return replace(rule, mask=_numpy(rule.mask), bias=_numpy(rule.bias), sinks=_numpy(rule.sinks))


def held_projection(selected: LayerSelection) -> Projection | None:
    """W_O of the layer where it is small enough for a page, or None."""
    projection = selected.layer.projections.get("output")
    return projection if projection is not None and math.prod(projection.weight.shape) <= MATRIX else None


def kv_heads(selected: LayerSelection) -> list[int]:
    """The key/value heads that the selected heads read, each once."""
    return list(dict.fromkeys(selected.layer.kv_head(head) for head in selected.heads))


def kv_indices(selected: LayerSelection) -> list[int]:
    """For each selected head, which of ``kv_heads`` it reads."""
    kept = kv_heads(selected)
    return [kept.index(selected.layer.kv_head(head)) for head in selected.heads]


def _numpy(array: Any) -> Any:
    return None if array is None else to_numpy(array)
