"""Mistakes of a rotary position embedding (Su et al. 2021, 2104.09864)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy

from attnviz.analysis.diagnosis.recipe import Recipe
from attnviz.analysis.diagnosis.registry import Fitted, Variant, mistake
from attnviz.analysis.diagnosis.turn import Turn

NEAR = 16  # positions from the first within which it is looked for
THETAS = (1e4, 5e5, 1e6, 1e3, 1e2, 1e5, 2.5e5, 5e6, 1e7)


def _turns(meant: Recipe) -> bool:
    """Whether queries and keys are turned."""
    return bool(meant.turn_query and meant.turn_key)


def _turned(meant: Recipe, change: Callable[[Turn], Turn], query: bool = True, key: bool = True) -> Recipe:
    """The same with each rotation of the queries, of the keys or of both changed."""
    queries = tuple(map(change, meant.turn_query)) if query else meant.turn_query
    keys = tuple(map(change, meant.turn_key)) if key else meant.turn_key
    return meant.but(turn_query=queries, turn_key=keys)


def _each(meant: Recipe, change: Callable[[Turn], Turn]) -> Iterator[Recipe]:
    """Changed of both, of the queries alone and of the keys alone."""
    for query, key in ((True, True), (True, False), (False, True)):
        yield _turned(meant, change, query, key)


def _with(**changes: Any) -> Callable[[Turn], Turn]:
    return lambda turn: turn.but(**changes)


@mistake("rope-missing")
def rope_missing(meant: Recipe) -> Iterator[Variant]:
    """Queries and keys are not turned; or only one of them is."""
    if _turns(meant):
        yield Variant(meant.but(turn_query=(), turn_key=()))
        yield Variant(meant.but(turn_query=()))
        yield Variant(meant.but(turn_key=()))


@mistake("rope-interleaved")
def rope_interleaved(meant: Recipe) -> Iterator[Variant]:
    """Pairs are neighbours where they are halves, or halves where they are neighbours."""
    for changed in _each(meant, lambda turn: turn.but(interleaved=not turn.interleaved)):
        if _turns(meant):
            yield Variant(changed)


@mistake("rope-twice")
def rope_twice(meant: Recipe) -> Iterator[Variant]:
    """Queries and keys, or one of them, are turned twice."""
    if _turns(meant):
        yield Variant(meant.but(turn_query=meant.turn_query * 2, turn_key=meant.turn_key * 2))
        yield Variant(meant.but(turn_key=meant.turn_key * 2))
        yield Variant(meant.but(turn_query=meant.turn_query * 2))
        places = meant.turn_key[0].positions
        cached = places.index(meant.turn_query[0].positions[0]) if meant.turn_query[0].positions[0] in places else 0
        if cached:  # the keys of a cache, which were turned when they were stored
            again = tuple(2 * place if at < cached else place for at, place in enumerate(places))
            yield Variant(meant.but(turn_key=tuple(turn.but(positions=again) for turn in meant.turn_key)))


@mistake("rope-offset")
def rope_offset(meant: Recipe) -> Iterator[Variant | Fitted]:
    """The queries' positions count from elsewhere than those of the keys, as from 0 beside a cache; the value is the first."""
    if not _turns(meant):
        return
    first = meant.turn_query[0].positions[0]
    for start in dict.fromkeys((0.0, float(meant.keys - meant.queries), first - 1, first + 1)):
        if start != first:
            yield Variant(_from(meant, start), start)
    near = range(-NEAR, NEAR + 1)
    yield Fitted(lambda start: _from(meant, start), tuple(first + step for step in near if step), whole=True)


def _from(meant: Recipe, start: float) -> Recipe:
    """The same with the queries' positions from ``start`` on."""

    def moved(turn: Turn) -> Turn:
        return turn.but(positions=tuple(place - turn.positions[0] + start for place in turn.positions))

    return _turned(meant, moved, key=False)


@mistake("rope-positions", pairs=False)
def rope_positions(meant: Recipe) -> Iterator[Variant]:
    """All queries have one position, or those of the tokens count from 0 although they were given, or run backwards."""
    if not _turns(meant):
        return
    query, key = meant.turn_query[0].positions, meant.turn_key[0].positions
    if meant.turn_key[0].of_items:
        slots = tuple(map(float, range(meant.keys)))
        yield Variant(_turned(meant, _with(positions=slots, of_items=()), query=False))
        yield Variant(_turned(_turned(meant, _with(positions=slots, of_items=()), query=False), _with(of_items=())))
        return
    counted = _positioned(meant, tuple(map(float, range(meant.queries))), tuple(map(float, range(meant.keys))))
    if query[0] == key[0] and (query, key) != (counted.turn_query[0].positions, counted.turn_key[0].positions):
        yield Variant(counted)
    yield Variant(_positioned(meant, (query[0],) * meant.queries, key))
    yield Variant(_positioned(meant, (query[-1],) * meant.queries, key))
    if meant.queries == meant.keys:
        yield Variant(_positioned(meant, query[::-1], key))


def _positioned(meant: Recipe, query: tuple[float, ...], key: tuple[float, ...]) -> Recipe:
    queries = tuple(turn.but(positions=query) for turn in meant.turn_query)
    return meant.but(turn_query=queries, turn_key=tuple(turn.but(positions=key) for turn in meant.turn_key))


@mistake("rope-heads-as-positions", pairs=False)
def rope_heads_as_positions(meant: Recipe) -> Iterator[Variant]:
    """The angle is that of the head's number and not of the token's: the rotation ran along the wrong axis."""
    if not _turns(meant) or meant.heads == meant.key_heads:  # then both turn alike, and it is as if neither did
        return
    query, key = (
        turn.but(positions=tuple(map(float, range(heads))), of_items=()).turned(array.swapaxes(1, 2)).swapaxes(1, 2)
        for turn, array, heads in (
            (meant.turn_query[0], meant.query, meant.heads),
            (meant.turn_key[0], meant.key, meant.key_heads),
        )
    )
    yield Variant(meant.but(query=query, key=key, turn_query=(), turn_key=()))


@mistake("rope-dims")
def rope_dims(meant: Recipe) -> Iterator[Variant]:
    """Another number of dimensions turns than meant; it is the value."""
    if not _turns(meant):
        return
    dims, whole = meant.turn_query[0].dims, meant.dimension
    for other in dict.fromkeys((whole, dims // 2, whole // 2, whole // 4, 2 * dims)):
        if other != dims and 2 <= other <= whole and other % 2 == 0:
            yield Variant(_turned(meant, _with(dims=other, width=other)), float(other))
            yield Variant(_turned(meant, _with(dims=other)), float(other))


@mistake("rope-frequencies", pairs=False)
def rope_frequencies(meant: Recipe) -> Iterator[Variant]:
    """The exponents are divided by another width: that of the head, of half of it, or of the model."""
    if not _turns(meant):
        return
    dims, whole = meant.turn_query[0].dims, meant.dimension
    for width in dict.fromkeys((whole, dims // 2, 2 * dims, whole * meant.heads)):
        if width not in (0, meant.turn_query[0].width):
            yield Variant(_turned(meant, _with(width=width)), float(width))


@mistake("rope-theta")
def rope_theta(meant: Recipe) -> Iterator[Variant | Fitted]:
    """Another base of the frequencies; it is the value."""
    if _turns(meant):
        for theta in THETAS:
            if theta != meant.turn_query[0].theta:
                yield Variant(_turned(meant, _with(theta=theta)), theta)
        yield Fitted(
            lambda theta: _turned(meant, _with(theta=max(abs(theta), 1.001))), tuple(10.0**p for p in range(1, 8))
        )


@mistake("rope-position-scaled", pairs=False)
def rope_position_scaled(meant: Recipe) -> Iterator[Variant | Fitted]:
    """All positions, or those of queries or keys alone, are multiplied by a number, as to stretch a context; it is the value."""
    if _turns(meant):
        for factor in (0.5, 0.25, 0.125):
            yield from (Variant(one, factor) for one in _each(meant, _stretched(factor)))
        yield Fitted(lambda factor: _turned(meant, _stretched(factor)), (0.7, 0.9, 1.1, 1.5))


def _stretched(factor: float) -> Callable[[Turn], Turn]:
    return lambda turn: turn.but(positions=tuple(factor * place for place in turn.positions))


@mistake("rope-reversed")
def rope_reversed(meant: Recipe) -> Iterator[Variant]:
    """Queries and keys, or one of them, turn the other way round: a sign of the sine."""
    for changed in _each(meant, lambda turn: turn.but(direction=-turn.direction)):
        if _turns(meant):
            yield Variant(changed)


@mistake("rope-on-values", pairs=False)
def rope_on_values(meant: Recipe) -> Iterator[Variant]:
    """The values are turned, too."""
    if meant.turn_key and not meant.only_weights and meant.value.shape[-1] == meant.dimension:
        yield Variant(meant.but(turn_value=meant.turn_key))


@mistake("rope-mixed", pairs=False)
def rope_mixed(meant: Recipe) -> Iterator[Variant]:
    """The angles are laid out for halves and the numbers are paired as neighbours, or the other way round."""
    if not _turns(meant):
        return
    for order in (True, False):
        query = _mixed(meant.turn_query[0], meant.query, order)
        key = _mixed(meant.turn_key[0], meant.key, order)
        yield Variant(meant.but(query=query, key=key, turn_query=(), turn_key=()))


def _mixed(turn: Turn, array: numpy.ndarray, pairs_of_turn: bool) -> numpy.ndarray:
    """x · cos + turned(x) · sin, with cos and sin laid out one way, and the turn of x the other."""
    angles = numpy.asarray(turn.positions)[:, None] * turn.frequencies
    halves, repeated = numpy.concatenate([angles, angles], -1), numpy.repeat(angles, 2, axis=-1)
    laid = (halves, repeated)[turn.interleaved != pairs_of_turn]
    some, rest = array[..., : turn.dims], array[..., turn.dims :]
    if turn.interleaved == pairs_of_turn:
        other = numpy.stack([-some[..., 1::2], some[..., ::2]], axis=-1).reshape(some.shape)
    else:
        other = numpy.concatenate([-some[..., turn.dims // 2 :], some[..., : turn.dims // 2]], axis=-1)
    return numpy.concatenate([some * numpy.cos(laid) + other * numpy.sin(laid), rest], axis=-1)


@mistake("rope-before-heads", pairs=False)
def rope_before_heads(meant: Recipe) -> Iterator[Variant]:
    """The whole row is turned before it is cut into heads: later heads turn more slowly."""
    if not _turns(meant) or meant.heads == 1:
        return
    query, key = (
        _turned_as_rows(turn, array)
        for turn, array in ((meant.turn_query[0], meant.query), (meant.turn_key[0], meant.key))
    )
    yield Variant(meant.but(query=query, key=key, turn_query=(), turn_key=()))


def _turned_as_rows(turn: Turn, array: numpy.ndarray) -> numpy.ndarray:
    """(items, heads, tokens, d), turned as (items, tokens, heads · d)"""
    items, heads, tokens, width = array.shape
    rows = array.swapaxes(1, 2).reshape(items, tokens, heads * width)
    turned = turn.but(dims=heads * width, width=heads * width, of_items=()).turned(rows)
    return turned.reshape(items, tokens, heads, width).swapaxes(1, 2)


@mistake("rope-sign", pairs=False)
def rope_sign(meant: Recipe) -> Iterator[Variant]:
    """The half that is exchanged is not negated: both sines have the same sign, and nothing is a rotation any more."""
    if _turns(meant):
        query, key = _unsigned(meant.turn_query[0], meant.query), _unsigned(meant.turn_key[0], meant.key)
        yield Variant(meant.but(query=query, key=key, turn_query=(), turn_key=()))


def _unsigned(turn: Turn, array: numpy.ndarray) -> numpy.ndarray:
    """x · cos + exchanged(x) · sin"""
    angles = numpy.asarray(turn.positions)[:, None] * turn.frequencies
    some, rest = array[..., : turn.dims], array[..., turn.dims :]
    if turn.interleaved:
        laid = numpy.repeat(angles, 2, axis=-1)
        other = numpy.stack([some[..., 1::2], some[..., ::2]], axis=-1).reshape(some.shape)
    else:
        laid = numpy.concatenate([angles, angles], -1)
        other = numpy.concatenate([some[..., turn.dims // 2 :], some[..., : turn.dims // 2]], axis=-1)
    return numpy.concatenate([some * numpy.cos(laid) + other * numpy.sin(laid), rest], axis=-1)
