"""Some queries, keys or heads of a layer: layers themselves, which compute what the whole one would."""

from __future__ import annotations

from attnviz.attention.visibility import Visibility
from attnviz.trace.layer import Layer


def seen_keys(layer: Layer) -> tuple[slice, Layer]:
    """The keys of ``layer`` that causal and window let some of its queries see (one, where that is none), and the layer of
    only these: its weights and outputs are the same, and of a causal layer's half of the cells are left."""
    queries, keys = layer.query.shape[1], layer.key.shape[1]
    begin, end = Visibility.of(layer.rule, queries, keys).band(0, queries)
    begin = min(begin, keys - 1)
    end = max(end, begin + 1)
    return slice(begin, end), layer if end - begin == keys else some_keys(layer, begin, end)


def some_queries(layer: Layer, start: int, stop: int) -> Layer:
    """Only the queries ``start`` … ``stop`` − 1 of ``layer``, with the rule that holds for them."""
    rule = layer.rule.of_queries(start, stop, layer.query.shape[1], layer.key.shape[1])
    return Layer(layer.query[:, start:stop], layer.key, layer.value, rule, layer.index, layer.name, layer.kind)


def some_keys(layer: Layer, start: int, stop: int) -> Layer:
    """Only the keys ``start`` … ``stop`` − 1 of ``layer``, hidden where they were; the weights differ."""
    rule = layer.rule.of_keys(start, stop, layer.query.shape[1], layer.key.shape[1])
    key, value = layer.key[:, start:stop], layer.value[:, start:stop]
    return Layer(layer.query, key, value, rule, layer.index, layer.name, layer.kind)


def some_heads(layer: Layer, heads: slice) -> Layer:
    """Only these heads of ``layer``; they begin and end with a group that shares its keys."""
    group = layer.heads // layer.key.shape[0]
    shared = slice(heads.start // group, heads.stop // group)
    query, key, value = layer.query[heads], layer.key[shared], layer.value[shared]
    return Layer(query, key, value, layer.rule.of_heads(heads), layer.index, layer.name, layer.kind)
