"""Mistakes of which array stands where: exchanged, shifted by a token, or a token short."""

from __future__ import annotations

from collections.abc import Iterator

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Recipe
from attnviz.analysis.diagnosis.registry import Variant, mistake


@mistake("key-value-swapped")
def key_value_swapped(meant: Recipe) -> Iterator[Variant]:
    """Keys are read as values and values as keys."""
    if meant.key.shape == meant.value.shape and not meant.only_weights:
        yield Variant(meant.but(key=meant.value, value=meant.key, turn_value=()))
        if meant.turn_key:
            yield Variant(meant.but(key=meant.value, value=meant.key, turn_key=(), turn_value=meant.turn_key))


@mistake("query-key-swapped")
def query_key_swapped(meant: Recipe) -> Iterator[Variant]:
    """Queries are read as keys and keys as queries: the scores are transposed."""
    if meant.query.shape == meant.key.shape:
        turns = {"turn_query": meant.turn_key, "turn_key": meant.turn_query}
        yield Variant(meant.but(query=meant.key, key=meant.query, **turns))


@mistake("value-from-key", pairs=False)
def value_from_key(meant: Recipe) -> Iterator[Variant]:
    """The weights are multiplied with the keys."""
    if meant.key.shape == meant.value.shape and not meant.only_weights:
        yield Variant(meant.but(value=meant.key))
        if meant.turn_key:
            yield Variant(meant.but(value=meant.key, turn_value=meant.turn_key))


@mistake("key-from-query", pairs=False)
def key_from_query(meant: Recipe) -> Iterator[Variant]:
    """Queries are compared with queries, or keys with keys, or the values stand in for one of them."""
    if meant.query.shape == meant.key.shape:
        yield Variant(meant.but(key=meant.query))
        yield Variant(meant.but(query=meant.key))
        if meant.query.shape == meant.value.shape and not meant.only_weights:
            yield Variant(meant.but(key=meant.value))
            yield Variant(meant.but(query=meant.value))


@mistake("query-value-swapped", pairs=False)
def query_value_swapped(meant: Recipe) -> Iterator[Variant]:
    """Queries are read as values and values as queries."""
    if meant.query.shape == meant.value.shape and not meant.only_weights:
        yield Variant(meant.but(query=meant.value, value=meant.query))


def _moved(meant: Recipe, array: Array) -> list[Array]:
    """The tokens one further or one back: around the end, with the last one twice, or with zeros; kept, as pairs ask again."""
    name = ("moved", id(array))
    if name not in meant.memo:
        meant.memo[name] = (list(_each_moved(array)), array)
    moved: list[Array] = meant.memo[name][0]
    return moved


def _each_moved(array: Array) -> Iterator[Array]:
    for step in (1, -1):
        around = numpy.roll(array, step, axis=2)
        edge = slice(0, 1) if step == 1 else slice(-1, None)
        zeros, twice = around.copy(), around.copy()
        zeros[:, :, edge], twice[:, :, edge] = 0, array[:, :, edge]
        yield from (around, zeros, twice)


@mistake("keys-shifted")
def keys_shifted(meant: Recipe) -> Iterator[Variant]:
    """The keys, or keys and values together, stand one token too far or too near."""
    if meant.keys > 1:
        for key, value in zip(_moved(meant, meant.key), _moved(meant, meant.value), strict=True):
            yield Variant(meant.but(key=key))
            if not meant.only_weights:
                yield Variant(meant.but(key=key, value=value))


@mistake("values-shifted")
def values_shifted(meant: Recipe) -> Iterator[Variant]:
    """The values stand one token too far or too near."""
    if meant.keys > 1 and not meant.only_weights:
        for value in _moved(meant, meant.value):
            yield Variant(meant.but(value=value))


@mistake("queries-shifted", pairs=False)
def queries_shifted(meant: Recipe) -> Iterator[Variant]:
    """The queries stand one token too far or too near."""
    if meant.queries > 1:
        for query in _each_moved(meant.query):
            yield Variant(meant.but(query=query))


@mistake("keys-reversed", pairs=False)
def keys_reversed(meant: Recipe) -> Iterator[Variant]:
    """The tokens stand in reverse order, of keys, values or both."""
    if meant.keys > 1:
        yield Variant(meant.but(key=meant.key[:, :, ::-1]))
        if not meant.only_weights:
            yield Variant(meant.but(value=meant.value[:, :, ::-1]))
            yield Variant(meant.but(key=meant.key[:, :, ::-1], value=meant.value[:, :, ::-1]))


@mistake("key-lost")
def key_lost(meant: Recipe) -> Iterator[Variant]:
    """The last key, or the first, is never read, or was never written: it is 0, or what was there before; the value is its place."""
    if meant.keys > 1:
        for place in (meant.keys - 1, 0):
            yield Variant(meant.but(lost=numpy.arange(meant.keys)[None, None, None] == place), float(place))
            if not meant.only_weights:
                yield Variant(
                    meant.but(key=_emptied(meant.key, place), value=_emptied(meant.value, place)), float(place)
                )
        stale = meant.key[:, :, [*range(meant.keys - 1), meant.keys - 2]]
        yield Variant(meant.but(key=stale), float(meant.keys - 1))


@mistake("last-query-repeated", pairs=False)
def last_query_repeated(meant: Recipe) -> Iterator[Variant]:
    """All queries are the last one, or the first."""
    if meant.queries > 1:
        for place in (meant.queries - 1, 0):
            yield Variant(meant.but(query=numpy.broadcast_to(meant.query[:, :, [place]], meant.query.shape)))


def _emptied(array: Array, place: int) -> Array:
    empty = array.copy()
    empty[:, :, place] = 0
    return empty
