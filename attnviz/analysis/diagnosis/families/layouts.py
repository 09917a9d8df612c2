"""Mistakes of memory: arrays that were given another shape where their axes should have been exchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Recipe
from attnviz.analysis.diagnosis.registry import Variant, mistake

Move = Callable[[Array], Array]


def heads_first(array: Array) -> Array:
    """(tokens, heads · d) in memory, taken for (heads, tokens, d): a view where an axis should have been exchanged."""
    items, heads, tokens, width = array.shape
    return array.swapaxes(1, 2).reshape(items, heads, tokens, width)


def tokens_first(array: Array) -> Array:
    """(heads, tokens, d) in memory, taken for (tokens, heads · d): the way back of ``heads_first``."""
    items, heads, tokens, width = array.shape
    return array.reshape(items, tokens, heads, width).swapaxes(1, 2)


def heads_last(array: Array) -> Array:
    """Each token's row, (heads, d) in memory, taken for (d, heads)."""
    items, heads, tokens, width = array.shape
    rows = array.swapaxes(1, 2).reshape(items, tokens, width, heads)
    return rows.transpose(0, 3, 1, 2)


def width_first(array: Array) -> Array:
    """Each token's row, (d, heads) in memory, taken for (heads, d): the way back of ``heads_last``."""
    items, heads, tokens, width = array.shape
    rows = array.transpose(0, 2, 3, 1).reshape(items, tokens, heads, width)
    return rows.swapaxes(1, 2)


def _changed(meant: Recipe, move: Move) -> Iterator[Variant]:
    """The move of all three, of one, and of keys and values."""
    query, key, value = (move(array) for array in (meant.query, meant.key, meant.value))
    if meant.only_weights:
        value = meant.value
    yield Variant(meant.but(query=query, key=key, value=value))
    yield Variant(meant.but(query=query))
    if meant.key_heads > 1:
        yield Variant(meant.but(key=key))
        yield Variant(meant.but(query=query, key=key))
        if not meant.only_weights:
            yield Variant(meant.but(key=key, value=value))
            yield Variant(meant.but(value=value))


@mistake("heads-not-transposed-in")
def heads_not_transposed_in(meant: Recipe) -> Iterator[Variant]:
    """(tokens, heads · d) was viewed as (heads, tokens, d), without exchanging the axes of tokens and heads."""
    if meant.heads > 1 and meant.queries > 1:
        yield from _changed(meant, heads_first)


@mistake("key-not-transposed", pairs=False)
def key_not_transposed(meant: Recipe) -> Iterator[Variant]:
    """The keys of a head were viewed as (d, keys) where their axes should have been exchanged."""
    if meant.keys > 1 and meant.dimension > 1:
        items, heads, tokens, width = meant.key.shape
        yield Variant(meant.but(key=meant.key.reshape(items, heads, width, tokens).swapaxes(2, 3)))


@mistake("heads-interleaved-in", pairs=False)
def heads_interleaved_in(meant: Recipe) -> Iterator[Variant]:
    """Each row was cut into (d, heads) and not (heads, d)."""
    if meant.heads > 1 and meant.dimension > 1:
        yield from _changed(meant, heads_last)
        yield from _changed(meant, width_first)


@mistake("heads-not-transposed-out")
def heads_not_transposed_out(meant: Recipe) -> Iterator[Variant]:
    """The output was viewed as (tokens, heads · d) without exchanging the axes of heads and tokens, or the other way round."""
    if meant.heads > 1 and meant.queries > 1 and not meant.only_weights:
        for way_back in (heads_first, tokens_first, width_first, heads_last):
            yield Variant(meant.but(read=way_back))


@mistake("qkv-split-wrong", pairs=False)
def qkv_split_wrong(meant: Recipe) -> Iterator[Variant]:
    """The joint projection was cut as (heads, 3, d) where it is (3, heads, d), or the other way round."""
    shapes = {array.shape for array in (meant.query, meant.key, meant.value)}
    if len(shapes) > 1 or meant.heads == 1 or meant.only_weights:
        return
    items, heads, tokens, width = meant.query.shape
    parts = numpy.stack([one.swapaxes(1, 2) for one in (meant.query, meant.key, meant.value)], axis=2)
    yield _split(meant, parts.reshape(items, tokens, heads, 3, width).swapaxes(2, 3))
    by_head = parts.swapaxes(2, 3)  # (items, tokens, heads, 3, d)
    yield _split(meant, by_head.reshape(items, tokens, 3, heads, width))


def _split(meant: Recipe, parts: Array) -> Variant:
    """(items, tokens, 3, heads, d) as query, key and value."""
    query, key, value = parts.transpose(2, 0, 3, 1, 4)
    return Variant(meant.but(query=query, key=key, value=value))
