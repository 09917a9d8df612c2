"""Mistakes of a sliding window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy

from attnviz.analysis.diagnosis.families.causality import FARTHEST, TILES, with_band
from attnviz.analysis.diagnosis.recipe import Recipe
from attnviz.analysis.diagnosis.registry import Fitted, Variant, mistake


def _reaching(meant: Recipe, before: float) -> Recipe:
    """The same with a window that goes ``before`` keys back, and as many ahead where it does."""
    after = before if meant.band.after == meant.band.before else meant.band.after
    return meant.but(band=replace(meant.band, before=before, after=after))


@mistake("window-off-by-one")
def window_off_by_one(meant: Recipe) -> Iterator[Variant]:
    """The window is one key wider or narrower than meant; the value is how many keys it has."""
    if meant.has_window:
        for before in (meant.band.before - 1, meant.band.before + 1):
            if before >= 0:
                yield Variant(_reaching(meant, before), before + 1)


@mistake("window-missing")
def window_missing(meant: Recipe) -> Iterator[Variant]:
    """There is no window."""
    if meant.has_window:
        yield Variant(_reaching(meant, math.inf))


@mistake("window-both-sided")
def window_both_sided(meant: Recipe) -> Iterator[Variant]:
    """The window goes ahead as far as back, where causal was meant."""
    if meant.has_window and meant.is_causal:
        yield with_band(meant, after=meant.band.before)


@mistake("window-one-sided", pairs=False)
def window_one_sided(meant: Recipe) -> Iterator[Variant]:
    """The window goes in one direction only, where both were meant."""
    if meant.has_window and not meant.is_causal:
        yield with_band(meant, after=math.inf)
        yield with_band(meant, before=math.inf)


@mistake("window-halved", pairs=False)
def window_halved(meant: Recipe) -> Iterator[Variant]:
    """Half of the window lies on each side."""
    if meant.has_window:
        half = (meant.band.before + 1) // 2
        yield with_band(meant, before=half, after=0 if meant.is_causal else half)
        yield with_band(meant, before=half, after=half)


@mistake("window-value", pairs=False)
def window_value(meant: Recipe) -> Iterator[Fitted]:
    """Another size of the window."""
    if meant.has_window:
        near = (meant.band.before, meant.band.before + 1, meant.band.before + 2)
        sizes = tuple(float(size) for size in range(1, min(meant.keys, FARTHEST)) if size not in near)
        yield Fitted(lambda size: _reaching(meant, size - 1), sizes, whole=True)


@mistake("window-extra", pairs=False)
def window_extra(meant: Recipe) -> Iterator[Fitted]:
    """A window that was not asked for; the value is its size."""
    if not meant.has_window:
        sizes = tuple(float(size) for size in range(1, min(meant.keys, FARTHEST)))
        yield Fitted(lambda size: meant.but(band=replace(meant.band, before=size - 1)), sizes, whole=True)
        if not meant.is_causal:
            yield Fitted(
                lambda size: meant.but(band=replace(meant.band, before=size - 1, after=size - 1)), sizes, whole=True
            )


@mistake("window-in-blocks", pairs=False)
def window_in_blocks(meant: Recipe) -> Iterator[Variant]:
    """A query sees the keys of its own block of the window's size, and not the ones that lie within the window of it."""
    if meant.has_window and meant.band.before >= 0:
        size = int(meant.band.before) + 1
        own = (meant.band.offset + numpy.arange(meant.queries)) // size
        apart = own[:, None] != numpy.arange(meant.keys) // size
        after = 0 if meant.is_causal else math.inf
        yield Variant(meant.but(band=replace(meant.band, before=math.inf, after=after), lost=apart[None, None]))


@mistake("window-tile-lost", pairs=False)
def window_tile_lost(meant: Recipe) -> Iterator[Variant]:
    """The tile of keys in which a window begins is left out: its start was rounded up; the value is the size of a tile."""
    if meant.has_window:
        for size in TILES:
            if size < meant.keys:
                first = (meant.band.offset + numpy.arange(meant.queries) // size * size) - meant.band.before
                start = -(-first // size) * size
                yield Variant(meant.but(lost=(numpy.arange(meant.keys) < start[:, None])[None, None]), float(size))
