"""A trace without some of its tokens, whose share of the weights is kept account of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from attnviz.arrays import Array, like, namespace, to_numpy
from attnviz.attention import Steps
from attnviz.errors import AttnvizError
from attnviz.rows import row_blocks
from attnviz.trace import Layer, Trace


def without_special(trace: Trace) -> tuple[Trace, dict[str, float]]:
    """``trace`` without its special tokens, and for each layer, by its title, the mean share of the weights they took.

    The weights of the tokens that are left stay exactly what they were: the share of the hidden keys becomes a sink of
    each query (Rule.sinks), so a row adds up to less than 1. The outputs are what the tokens that are left give.
    AttnvizError where nothing would be left.
    """
    source = dict(trace.source)
    hidden = {side: set(source.get(f"{side}special", ())) for side in ("", "target_")}
    if not any(hidden.values()):
        return trace, {}
    layers, shares = [], {}
    for layer in trace.layers:
        own = "target_" if layer.stack in ("decoder", "cross") and "target_ids" in source else ""
        queries = _left(layer.query.shape[1], hidden[own])
        keys = _left(layer.key.shape[1], hidden["" if layer.kind == "cross" else own])
        kept, share = _hide(layer, queries, keys)
        tokens, key_tokens = trace.query_tokens(layer), trace.key_tokens(layer)
        layers.append(replace(kept, tokens=_pick(tokens, queries), key_tokens=_pick(key_tokens, keys)))
        shares[layer.title] = share
    for side in hidden:
        if f"{side}ids" in source:
            source[f"{side}ids"] = list(_pick(source[f"{side}ids"], _left(len(source[f"{side}ids"]), hidden[side])))
            source[f"{side}special"] = []
    tokens = layers[0].tokens or ()
    layers = [_with_own_tokens(layer, tokens) for layer in layers]
    return Trace(tokens, tuple(layers), source), shares


def _hide(layer: Layer, queries: Sequence[int], keys: Sequence[int]) -> tuple[Layer, float]:
    """``layer`` with these queries and keys alone, and the mean share that its queries gave to the other keys."""
    xp = namespace(layer.query)
    hidden = sorted(set(range(layer.key.shape[1])) - set(keys))
    shares, sinks = [], []
    for start, steps in row_blocks(layer):
        rows = [query - start for query in queries if start <= query < start + steps.masked.shape[1]]
        picked = Steps(*(_along(array, rows, -2) for array in steps))
        if rows:
            shares.append(_along(picked.weights, hidden, -1).sum(-1))  # (heads, rows)
            sinks.append(_sink(xp, picked, hidden, layer.rule.sinks))
    rule = replace(
        layer.rule,
        mask=_cells(layer.rule.mask, queries, keys),
        bias=_cells(layer.rule.bias, queries, keys),
        sinks=xp.concat(sinks, axis=1),  # (heads, queries)
    )
    rule = _same_distances(layer, rule, queries, keys)
    kept = replace(
        layer,
        query=_along(layer.query, queries, -2),
        key=_along(layer.key, keys, -2),
        value=_along(layer.value, keys, -2),
        rule=rule,
        tokens=None,
        key_tokens=None,
    )
    return kept, float(xp.mean(xp.concat(shares, axis=1)))
