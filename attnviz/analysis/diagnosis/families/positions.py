"""Mistakes of a rotary embedding's positions and angles: tables that end, buffers that go round, numbers that were rounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy

from attnviz.analysis.diagnosis.arithmetic import ARITHMETICS
from attnviz.analysis.diagnosis.computing import rounded
from attnviz.analysis.diagnosis.recipe import Array, Recipe
from attnviz.analysis.diagnosis.registry import Variant, mistake
from attnviz.analysis.diagnosis.turn import Turn

FARTHEST = 256  # a table's end is looked for among so many positions
ROUND = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


@mistake("rope-clamped", pairs=False)
def rope_clamped(meant: Recipe) -> Iterator[Variant]:
    """Positions beyond the end of the table of angles are all the last one; it is the value."""
    if meant.turn_query and meant.turn_key:
        places = sorted({*meant.turn_key[0].positions, *meant.turn_query[0].positions})[:-1][-FARTHEST:]
        for last in places:
            yield Variant(_placed(meant, lambda place, last=last: min(place, last)), last)


@mistake("rope-wrapped", pairs=False)
def rope_wrapped(meant: Recipe) -> Iterator[Variant]:
    """Positions, of the keys or of all, start from 0 again where a buffer is full: a slot is taken for a position; the value
    is how many slots there are."""
    if meant.turn_query and meant.turn_key:
        window = (int(meant.band.before) + 1,) if meant.has_window else ()
        for size in dict.fromkeys((*window, *ROUND)):
            if size <= max(meant.turn_key[0].positions):
                yield Variant(_placed(meant, lambda place, size=size: place % size, query=False), float(size))
                yield Variant(_placed(meant, lambda place, size=size: place % size), float(size))


def _placed(meant: Recipe, where, query: bool = True) -> Recipe:  # type: ignore[no-untyped-def]  # from a position to a position
    """The same with other positions."""

    def moved(turn: Turn) -> Turn:
        return turn.but(positions=tuple(float(where(place)) for place in turn.positions))

    queries = tuple(map(moved, meant.turn_query)) if query else meant.turn_query
    return meant.but(turn_query=queries, turn_key=tuple(map(moved, meant.turn_key)))


class Coarse(NamedTuple):
    """What of the angles is rounded: position and frequency, their product, sine and cosine."""

    parts: bool
    product: bool
    turns: bool


WAYS = (
    *(Coarse(True, True, True), Coarse(True, True, False), Coarse(False, True, False)),
    *(Coarse(False, True, True), Coarse(False, False, True), Coarse(True, False, False)),
)


@mistake("rope-angles-rounded", pairs=False)
def rope_angles_rounded(meant: Recipe) -> Iterator[Variant]:
    """Positions, frequencies, angles, or their sine and cosine are in half precision; the value is how many bits are left."""
    if not (len(meant.turn_query) == len(meant.turn_key) == 1):
        return
    for name in ("bfloat16", "float16"):
        bits = ARITHMETICS[name].bits
        for way in WAYS:
            query, key = (
                _coarsely(turn, array, way, bits)
                for turn, array in ((meant.turn_query[0], meant.query), (meant.turn_key[0], meant.key))
            )
            yield Variant(meant.but(query=query, key=key, turn_query=(), turn_key=()), float(bits))


def _coarsely(turn: Turn, array: Array, way: Coarse, bits: int) -> Array:
    """``array`` after a rotation by rounded angles."""
    places, frequencies = numpy.asarray(turn.positions)[:, None], turn.frequencies
    if way.parts:
        places, frequencies = rounded(places, bits), rounded(frequencies, bits)
    angles = rounded(places * frequencies, bits if way.product else None)
    cos, sin = (rounded(one(angles), bits if way.turns else None) for one in (numpy.cos, numpy.sin))
    result, half = array.astype(numpy.float64), turn.dims // 2
    pairs = (
        (slice(0, turn.dims, 2), slice(1, turn.dims, 2))
        if turn.interleaved
        else (slice(0, half), slice(half, turn.dims))
    )
    first, second = (array[..., pair].astype(numpy.float64) for pair in pairs)
    result[..., pairs[0]], result[..., pairs[1]] = first * cos - second * sin, first * sin + second * cos
    return result
