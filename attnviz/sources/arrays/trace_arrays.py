"""A trace of one layer whose query, key and value are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from attnviz.attention.arrays import Array, as_array
from attnviz.attention.rule import RULE_ARRAYS, Rule
from attnviz.errors import AttnvizError
from attnviz.trace.layer import Layer
from attnviz.trace.origin import Origin
from attnviz.trace.trace import Trace, numbered


def trace_arrays(
    query: Any,
    key: Any,
    value: Any,
    rule: Rule,
    tokens: Sequence[str] | None = None,
    key_tokens: Sequence[str] | None = None,
    *,
    kind: str = "self",
    item: int | None = None,
) -> Trace:
    """The trace of arrays in memory, checked; see ``attnviz.trace_arrays``."""
    arrays = {"query": query, "key": key, "value": value}
    given = {name: as_array(array, name) for name, array in arrays.items()}
    if item is not None and all(array.ndim < 4 for array in given.values()):
        raise AttnvizError(
            "{name} has no batch, of which item={item} could be one", "leave out item", name="query", item=item
        )
    one = {name: _of_item(array, name, item) for name, array in given.items()}
    known = {name: array for name in RULE_ARRAYS if (array := getattr(rule, name)) is not None}
    of_item = {name: _of_item(as_array(array, name), name, item) for name, array in known.items()}
    layer = Layer(**one, rule=replace(rule, **of_item), kind=kind)
    trace = of_layer(layer, tokens, key_tokens, Origin(kind="arrays"))
    layer.check()
    return trace


def of_layer(layer: Layer, tokens: Sequence[str] | None, key_tokens: Sequence[str] | None, source: Origin) -> Trace:
    """The trace of ``layer``; tokens that are not known are their positions."""
    square = layer.queries == layer.keys and layer.kind == "self"
    if tokens is None:
        tokens = numbered(layer.queries, "" if square else "q")
    if key_tokens is None and not square:
        key_tokens = numbered(layer.keys, "k")
    return Trace(tuple(tokens), (replace(layer, key_tokens=None if key_tokens is None else tuple(key_tokens)),), source)


def _of_item(array: Array, name: str, item: int | None) -> Array:
    """(batch, …) → what belongs to one item; without a batch, ``array`` as it is."""
    if array.ndim != 4:
        return array
    batch = int(array.shape[0])
    if batch > 1 and item is None:
        raise AttnvizError(
            "{name} holds a batch of {count} texts: which one is meant?", "say item=0", name=name, count=batch
        )
    place = 0 if batch == 1 and name in RULE_ARRAYS else item or 0  # a mask that all items share
    if not 0 <= place < batch:
        raise AttnvizError("there is no item {item}: the batch has {count}", item=place, count=batch)
    return array[place]
