"""Mistakes of attention in tiles with a running maximum and total (Dao et al. 2022, "FlashAttention", 2205.14135, algorithm 1)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Logits, Recipe
from attnviz.analysis.diagnosis.registry import Fitted, Variant, mistake
from attnviz.attention.formula import softmax

SIZES = (16, 32, 64, 128, 8, 4, 256)
MOST_TILES = 16  # of which each is tried


def sizes_of_tiles(meant: Recipe) -> Iterator[int]:
    """The tiles of which there is more than one."""
    yield from (size for size in SIZES if size < meant.keys)


@mistake("tile-lost")
def tile_lost(meant: Recipe) -> Iterator[Variant]:
    """A tile of keys is never read: the last partial one, the last whole one, any other, or all but the first; the value is
    its size."""
    places = numpy.arange(meant.keys)[None, None, None]
    for size in sizes_of_tiles(meant):
        rest = meant.keys % size
        ends = [(meant.keys - rest, meant.keys), (meant.keys - size, meant.keys), (0, size), (size, meant.keys)]
        if size >= 16 and meant.keys // size <= MOST_TILES:
            ends += [(start, start + size) for start in range(size, meant.keys - size, size)]
        for lost in dict.fromkeys(ends):
            if lost[1] - lost[0] not in (0, meant.keys):
                yield Variant(meant.but(lost=(places >= lost[0]) & (places < lost[1])), float(size))


@mistake("tile-of-queries-lost", pairs=False)
def tile_of_queries_lost(meant: Recipe) -> Iterator[Variant]:
    """The last partial tile of queries is never written, and is 0 or NaN; the value is the size of a tile."""
    rows = numpy.arange(meant.queries)[None, None, :, None]
    for size in SIZES:
        rest = meant.queries % size
        if rest and size < meant.queries:
            lost = rows >= meant.queries - rest
            yield Variant(meant.but(lost=lost, blind=0.0), float(size))
            if meant.seen[:, :, meant.queries - rest :].any():  # else it is the rows that see nothing that are NaN
                yield Variant(meant.but(lost=lost, blind=math.nan), float(size))


class Running:
    """Tiles of keys one after the other: what each row's tile is multiplied with in the end."""

    def __init__(self, given: Logits, size: int) -> None:
        starts = range(0, given.logits.shape[-1], size)
        tops = numpy.stack([given.logits[..., one : one + size].max(-1) for one in starts], axis=-1)
        self.running = numpy.maximum.accumulate(tops, axis=-1)  # (…, rows, tiles)
        self.tile = numpy.arange(given.logits.shape[-1]) // size

    def below(self, given: Logits) -> tuple[Array, Array]:
        """The logits less the largest until their own tile, (…, rows, keys), and the largest of all, (…, rows, 1)."""
        running = numpy.where(numpy.isfinite(self.running), self.running, 0)
        return given.logits - running[..., self.tile], running[..., -1:]


def not_rescaled(given: Logits, size: int, output: bool, total: bool, inverted: bool = False) -> Array:
    """The weights where the ``output`` so far, its ``total`` or both are not rescaled when a tile has a larger maximum; or
    are rescaled the wrong way round, where ``inverted``."""
    below, largest = Running(given, size).below(given)
    right = given.logits - largest
    if inverted:  # e^(new − old) where e^(old − new) belongs: twice as far on the other side
        below = numpy.where(numpy.isfinite(right), 2 * below - right, right)
    above, under = (below if output else right), (below if total else right)
    sinks = None if given.sinks is None else given.sinks - largest
    return _quotient(above, under, sinks)


def _quotient(above: Array, under: Array, sinks: Array | None) -> Array:
    """e^above / Σ e^under, written as a softmax times what differs."""
    peak = under.max(-1, keepdims=True)
    peak = numpy.where(numpy.isfinite(peak), peak, 0)
    shares: Array = softmax(under - peak, None if sinks is None else sinks - peak)
    finite = numpy.isfinite(above) & numpy.isfinite(under)
    return shares * numpy.exp(numpy.where(finite, above, 0) - numpy.where(finite, under, 0))


@mistake("tile-not-rescaled")
def tile_not_rescaled(meant: Recipe) -> Iterator[Variant]:
    """The output so far, or its total, or both, are not rescaled when a later tile has a larger maximum."""
    for size in sizes_of_tiles(meant):
        for output, total in ((True, False), (False, True), (True, True)):
            yield Variant(meant.but(weigh=partial(not_rescaled, size=size, output=output, total=total)), float(size))


@mistake("tile-rescaled-inversely", pairs=False)
def tile_rescaled_inversely(meant: Recipe) -> Iterator[Variant]:
    """The output so far, its total or both are multiplied by e^(new maximum − old) where it is e^(old − new)."""
    for size in sizes_of_tiles(meant):
        for output, total in ((True, False), (False, True), (True, True)):
            weigh = partial(not_rescaled, size=size, output=output, total=total, inverted=True)
            yield Variant(meant.but(weigh=weigh), float(size))


def with_padding(given: Logits, padding: int) -> Array:
    """The total counts ``padding`` more keys of score 0."""
    zeros = numpy.full((1, 1, 1), math.log(padding))
    if given.sinks is not None:
        zeros = numpy.logaddexp(zeros, given.sinks)
    weights: Array = softmax(given.logits, zeros)
    return weights


@mistake("tile-padding-counted", pairs=False)
def tile_padding_counted(meant: Recipe) -> Iterator[Variant]:
    """The last tile is filled up, with zeros or with the last key again, and what fills it counts; the value is its size."""
    for size in SIZES:
        if padding := -meant.keys % size:
            yield Variant(meant.but(weigh=partial(with_padding, padding=padding)), float(size))
            yield Variant(meant.but(weigh=partial(with_last_again, padding=padding)), float(size))


@mistake("empty-slots-counted", pairs=False)
def empty_slots_counted(meant: Recipe) -> Iterator[Fitted]:
    """A cache holds more keys than were written, all 0, and they count; the value is how many."""
    sizes = {-(-meant.keys // size) * size for size in SIZES} | {2**power for power in range(4, 16)} | {2 * meant.keys}
    near = set(range(1, 65)) | {size - meant.keys for size in sizes if size > meant.keys}
    counts = tuple(float(count) for count in sorted(near))
    yield Fitted(lambda count: meant.but(weigh=partial(with_padding, padding=round(count))), counts, whole=True)


def with_last_again(given: Logits, padding: int) -> Array:
    """The last key counts ``padding`` times more."""
    last = numpy.arange(given.logits.shape[-1]) == given.logits.shape[-1] - 1
    weights: Array = softmax(given.logits + numpy.where(last, math.log(1 + padding), 0.0), given.sinks)
    return weights
