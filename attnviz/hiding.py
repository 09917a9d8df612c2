"""A trace without some of its tokens, whose share of the weights is kept account of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from attnviz.arrays import Array, like, namespace
from attnviz.attention import Rule
from attnviz.errors import AttnvizError
from attnviz.provenance import TARGET, TEXT, ids, side_of, special
from attnviz.rows import RowBlock, row_blocks
from attnviz.trace import Layer, Trace

SIDES = (TEXT, TARGET)


def without_special(trace: Trace) -> tuple[Trace, dict[str, float]]:
    """``trace`` without its special tokens, and for each layer, by its title, the mean share of the weights they took.

    The weights between the tokens that are left stay exactly what they were: the share of the hidden keys becomes a
    sink of each query (Rule.sinks), so a row adds up to less than 1. The outputs are what the tokens that are left give.
    Empty shares where there are no special tokens; AttnvizError where nothing would be left.
    """
    if not any(special(trace, side) for side in SIDES):
        return trace, {}
    layers, shares = [], {}
    for layer in trace.layers:
        own = side_of(trace, layer)
        queries = _left(layer.query.shape[1], own, trace)
        keys = _left(layer.key.shape[1], TEXT if layer.kind == "cross" else own, trace)
        kept, shares[layer.title] = _hide(layer, queries, keys)
        tokens, key_tokens = trace.query_tokens(layer), trace.key_tokens(layer)
        words = tuple(tokens[at] for at in queries), tuple(key_tokens[at] for at in keys)
        layers.append(replace(kept, tokens=words[0], key_tokens=None if words[0] == words[1] else words[1]))
    source = dict(trace.source)
    for side in SIDES:
        if known := ids(trace, side):
            source |= {f"{side}ids": [known[at] for at in _left(len(known), side, trace)], f"{side}special": []}
    return Trace(layers[0].tokens or (), tuple(layers), source), shares


def _left(count: int, side: str, trace: Trace) -> list[int]:
    """The positions among ``count`` tokens that stay; all of them where they are not the side's tokens."""
    if count != len(ids(trace, side)):
        return list(range(count))
    left = [position for position in range(count) if position not in special(trace, side)]
    if not left:
        raise AttnvizError("the text holds special tokens alone: nothing is left to show", "leave out --skip-special")
    return left


def _hide(layer: Layer, queries: Sequence[int], keys: Sequence[int]) -> tuple[Layer, float]:
    """``layer`` with these queries and keys alone, and the mean share that these queries gave to the other keys."""
    xp = namespace(layer.query)
    hidden = [key for key in range(layer.key.shape[1]) if key not in set(keys)]
    shares, sinks, visible = [], [], []
    for block in row_blocks(layer):
        rows = [query - block.rows.start for query in queries if block.rows.start <= query < block.rows.stop]
        masked = block.steps.masked[:, rows]  # (heads, rows, keys)
        shares.append(xp.sum(block.steps.weights[:, rows][..., hidden], axis=-1))  # (heads, rows)
        own = _own_sinks(layer, block, rows)
        sinks.append(
            _log_sum_exp(xp, masked[..., hidden] if own is None else xp.concat([masked[..., hidden], own], -1))
        )
        visible.append(masked[..., keys] > -math.inf)
    sink = _joined(xp, layer, sinks)
    rule = replace(layer.rule, sinks=None if bool(xp.all(sink == -math.inf)) else sink)
    kept = Layer(
        layer.query[:, queries],
        layer.key[:, keys],
        layer.value[:, keys],
        _for_these(rule, layer, queries, keys, _joined(xp, layer, visible)),
        layer.index,
        layer.name,
        layer.kind,
    )
    return kept, float(xp.mean(_joined(xp, layer, shares)))


def _own_sinks(layer: Layer, block: RowBlock, rows: Sequence[int]) -> Array | None:
    """The sinks that the layer has of itself, (heads, rows, 1), in the dtype of the block."""
    if layer.rule.sinks is None:
        return None
    sinks = like(block.steps.masked, layer.rule.sinks)[block.heads]
    sinks = sinks[:, block.rows][:, rows] if sinks.ndim == 2 else sinks[:, None]
    return namespace(sinks).broadcast_to(sinks[..., None], (*block.steps.masked[:, rows].shape[:2], 1))


def _joined(xp: Any, layer: Layer, pieces: Sequence[Array]) -> Array:
    """Blocks, (heads, rows, …), as they came from ``row_blocks``, in one: (heads, queries, …)."""
    together = pieces[0].shape[0]
    count = len(pieces) * together // layer.heads  # blocks of rows for each block of heads
    heads = [xp.concat(pieces[first : first + count], axis=1) for first in range(0, len(pieces), count)]
    return xp.concat(heads, axis=0)


def _for_these(rule: Rule, layer: Layer, queries: Sequence[int], keys: Sequence[int], visible: Array) -> Rule:
    """``rule`` for fewer queries and keys. Where their distances are no longer what they were, the mask says all."""

    def cut(array: Array | None) -> Array | None:
        if array is None:
            return None
        array = array if array.ndim < 2 or array.shape[-2] == 1 else array[..., _slice(queries), :]
        return array if array.shape[-1] == 1 else array[..., _slice(keys)]

    rule = replace(rule, mask=cut(rule.mask), bias=cut(rule.bias))
    moved = list(queries) != list(keys) or (rule.window is not None and not isinstance(_slice(keys), slice))
    if (rule.causal or rule.window is not None) and (moved or layer.rule.query_offset):
        return replace(rule, causal=False, window=None, query_offset=None, mask=visible)
    return rule


def _slice(positions: Sequence[int]) -> Any:
    """A slice where the positions follow each other: arrays cut so are not copied."""
    together = len(positions) == positions[-1] - positions[0] + 1
    return slice(positions[0], positions[-1] + 1) if together else list(positions)


def _log_sum_exp(xp: Any, logits: Array) -> Array:
    """log Σ exp over the last axis; −∞ where there is nothing to add."""
    if logits.shape[-1] == 0:
        return xp.full(logits.shape[:-1], -math.inf, dtype=logits.dtype, device=logits.device)
    largest = xp.max(logits, axis=-1)
    shift = xp.where(largest == -math.inf, 0.0, largest)
    total = xp.sum(xp.exp(logits - shift[..., None]), axis=-1)
    return xp.where(total > 0, xp.log(xp.where(total > 0, total, 1.0)) + shift, -math.inf)
