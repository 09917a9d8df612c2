"""Mistakes of the causal rule: whether there is one, and at which key the first query stands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy

from attnviz.analysis.diagnosis.recipe import Recipe
from attnviz.analysis.diagnosis.registry import Fitted, Variant, mistake

TILES = (2, 4, 8, 16, 32, 64, 128)
FARTHEST = 64  # an offset or a window is looked for up to here


def with_band(meant: Recipe, **changes: Any) -> Variant:
    """The same where a query sees as far as ``changes`` say."""
    return Variant(meant.but(band=replace(meant.band, **changes)))


@mistake("causal-missing")
def causal_missing(meant: Recipe) -> Iterator[Variant]:
    """A query sees keys after its own, too."""
    if meant.is_causal:
        yield with_band(meant, after=math.inf)


@mistake("causal-extra")
def causal_extra(meant: Recipe) -> Iterator[Variant]:
    """A query sees no key after its own, which was not asked for."""
    if not meant.is_causal:
        for offset in dict.fromkeys((meant.band.offset, meant.keys - meant.queries, 0)):
            yield with_band(meant, after=0, offset=offset)


@mistake("causal-top-left")
def causal_top_left(meant: Recipe) -> Iterator[Variant]:
    """The first query stands at the first key, as with torch's is_causal, where a cache comes before it."""
    if meant.is_causal and meant.band.offset != 0:
        yield with_band(meant, offset=0)
        if meant.has_window:
            yield from _causal_alone(meant, 0)
        yield Variant(meant.but(lost=(numpy.arange(meant.keys) > 0)[None, None, None]))  # one query a call


@mistake("causal-bottom-right")
def causal_bottom_right(meant: Recipe) -> Iterator[Variant]:
    """The last query stands at the last key, where it was meant to stand elsewhere."""
    if meant.is_causal and meant.band.offset != meant.keys - meant.queries:
        yield with_band(meant, offset=meant.keys - meant.queries)
        if meant.has_window:
            yield from _causal_alone(meant, meant.keys - meant.queries)


def _causal_alone(meant: Recipe, offset: int) -> Iterator[Variant]:
    """The window stays where it was; causal counts from ``offset``."""
    moved = offset - meant.band.offset
    yield with_band(meant, after=moved)


@mistake("causal-offset", pairs=False)
def causal_offset(meant: Recipe) -> Iterator[Fitted]:
    """The queries stand at other keys than meant; the value is the key of the first."""
    if meant.is_causal:
        near = range(max(-FARTHEST, -meant.queries), min(meant.keys, meant.band.offset + FARTHEST) + 1)
        apart = {meant.band.offset, 0, meant.keys - meant.queries, meant.band.offset - 1, meant.band.offset + 1}
        yield Fitted(_at_offset(meant), tuple(float(one) for one in near if one not in apart), whole=True)


def _at_offset(meant: Recipe):  # type: ignore[no-untyped-def]  # a function from the offset to the recipe
    return lambda offset: meant.but(band=replace(meant.band, offset=round(offset)))


@mistake("causal-hides-self")
def causal_hides_self(meant: Recipe) -> Iterator[Variant]:
    """A query does not see the key at its own position."""
    if meant.is_causal:
        yield with_band(meant, after=-1)
        yield with_band(meant, after=-1, before=meant.band.before + 1)


@mistake("causal-leaks-next")
def causal_leaks_next(meant: Recipe) -> Iterator[Variant]:
    """A query sees one key ahead of its own position."""
    if meant.is_causal:
        yield with_band(meant, after=1)
        if meant.has_window:
            yield with_band(meant, after=1, before=meant.band.before - 1)


@mistake("causal-reversed", pairs=False)
def causal_reversed(meant: Recipe) -> Iterator[Variant]:
    """A query sees the keys from its own position on, and not those before: the other triangle."""
    if meant.is_causal:
        yield with_band(meant, before=0, after=meant.band.before)
        yield with_band(meant, before=-1, after=meant.band.before)


@mistake("causal-in-tiles", pairs=False)
def causal_in_tiles(meant: Recipe) -> Iterator[Variant]:
    """A tile that the diagonal crosses is computed whole, so that queries see ahead to its end; the value is its size."""
    if meant.is_causal:
        ends = meant.band.offset + numpy.arange(meant.queries)
        for size in TILES:
            if size < meant.keys:
                last = (ends // size + 1) * size - 1
                seen = numpy.arange(meant.keys) <= last[:, None]
                wide = meant.but(band=replace(meant.band, after=math.inf), lost=~seen[None, None])
                yield Variant(wide, float(size))


@mistake("causal-tile-skipped", pairs=False)
def causal_tile_skipped(meant: Recipe) -> Iterator[Variant]:
    """The tile that the diagonal crosses is left out: a loop over tiles that ends one too soon; the value is its size."""
    if meant.is_causal:
        own = meant.band.offset + numpy.arange(meant.queries)
        for size in TILES:
            if size < meant.keys:
                lost = numpy.arange(meant.keys) >= (own // size * size)[:, None]
                yield Variant(meant.but(lost=lost[None, None]), float(size))


@mistake("causal-restarts", pairs=False)
def causal_restarts(meant: Recipe) -> Iterator[Variant]:
    """Each tile of queries counts its positions from the first key again; the value is its size."""
    if meant.is_causal:
        for size in TILES:
            if size < meant.queries:
                position = numpy.arange(meant.queries) % size + meant.band.offset
                lost = numpy.arange(meant.keys) > position[:, None]
                yield Variant(meant.but(lost=lost[None, None]), float(size))
