"""Some queries, keys or heads of a layer: layers themselves, which compute what the whole one would."""

from __future__ import annotations

from dataclasses import replace

import numpy

from attnviz.attention.arrays import Array, namespace
from attnviz.attention.formula import Steps
from attnviz.attention.known_weights import KnownWeights
from attnviz.attention.rule import Rule
from attnviz.attention.visibility import Visibility, cells_of
from attnviz.trace.layer import Layer


def seen_keys(layer: Layer, rows: tuple[int, int] | None = None) -> tuple[slice, Layer]:
    """The keys of ``layer`` that causal and window let some of its queries see (one, where that is none), and the layer of
    only these: its weights and outputs are the same, and of a causal layer's half of the cells are left.

    rows  the first query and the one after the last of which this must hold; None: of all
    """
    queries, keys = layer.queries, layer.keys
    begin, end = Visibility.of(layer.rule, queries, keys).band(*(rows or (0, queries)))
    begin = min(begin, keys - 1)
    end = max(end, begin + 1)
    return slice(begin, end), layer if end - begin == keys else some_keys(layer, begin, end)


def some_queries(layer: Layer, start: int, stop: int) -> Layer:
    """Only the queries ``start`` … ``stop`` − 1 of ``layer``, with the rule that holds for them."""
    rule = layer.rule.of_queries(start, stop, layer.queries, layer.keys)
    if layer.weights is not None:
        return _of_weights(layer, layer.weights[:, start:stop], rule)
    return Layer(layer.query[:, start:stop], layer.key, layer.value, rule, layer.index, layer.name, layer.kind)


def queries_at(layer: Layer, positions: numpy.ndarray) -> Layer:
    """Only the queries at these ``positions``, (some queries,) in ascending order. Where they do not follow each other, a
    mask says what causal and window leave each of them."""
    start, stop = int(positions[0]), int(positions[-1]) + 1
    if stop - start == len(positions):
        return some_queries(layer, start, stop)
    query = layer.known("query")
    xp, rule = namespace(query), layer.rule
    rows = xp.asarray(positions, device=query.device)[:, None]  # (some queries, 1)
    keys = xp.arange(layer.keys, device=query.device)
    seen = Visibility.of(rule, layer.queries, layer.keys, rule.mask).cells(rows, keys)
    bias = None if rule.bias is None else cells_of(rule.bias, rows, keys)
    own = replace(rule, causal=False, window=None, query_offset=None, mask=seen, bias=bias)
    return Layer(query[:, rows[:, 0]], layer.key, layer.value, own, layer.index, layer.name, layer.kind)


def some_keys(layer: Layer, start: int, stop: int) -> Layer:
    """Only the keys ``start`` … ``stop`` − 1 of ``layer``, hidden where they were; the weights differ, unless these are all
    that is known."""
    rule = layer.rule.of_keys(start, stop, layer.queries, layer.keys)
    if layer.weights is not None:
        return _of_weights(layer, layer.weights[..., start:stop], rule)
    key, value = layer.key[:, start:stop], layer.value[:, start:stop]
    return Layer(layer.query, key, value, rule, layer.index, layer.name, layer.kind)


def some_heads(layer: Layer, heads: slice) -> Layer:
    """Only these heads of ``layer``; they begin and end with a group that shares its keys."""
    rule = layer.rule.of_heads(heads)
    if layer.weights is not None:
        return _of_weights(layer, layer.weights[heads], rule)
    shared = slice(heads.start // layer.group, heads.stop // layer.group)
    query, key, value = layer.query[heads], layer.key[shared], layer.value[shared]
    return Layer(query, key, value, rule, layer.index, layer.name, layer.kind)


def weighed(layer: Layer, head: int | None = None) -> Steps | KnownWeights:
    """The steps of ``layer`` as ``Layer.steps`` gives them, for somebody who needs no output: of it one number is computed."""
    return (layer if layer.weights_alone else replace(layer, value=layer.value[..., :1])).steps(head)


def _of_weights(layer: Layer, weights: Array, rule: Rule) -> Layer:
    return Layer(rule=rule, index=layer.index, name=layer.name, kind=layer.kind, weights=weights)
