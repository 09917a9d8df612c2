"""Mistakes of how the results of tiles, splits or ranks are put together: each has its own softmax, and a log-sum-exp as weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy

from attnviz.analysis.diagnosis.families.tiles import Running, sizes_of_tiles
from attnviz.analysis.diagnosis.recipe import Array, Logits, Recipe
from attnviz.analysis.diagnosis.registry import Variant, mistake
from attnviz.attention.formula import softmax

PARTS = (2, 3, 4, 8)  # into which keys are often split
BASES = (1 / math.log(2), math.log(2))  # a log-sum-exp in base 2 taken as natural, and the other way round


def _splits(meant: Recipe) -> Iterator[tuple[int, ...]]:
    """Where parts begin: at each tile, at each of a few equal parts, and where a cache ends."""
    sizes = (*sizes_of_tiles(meant), *(-(-meant.keys // parts) for parts in PARTS))
    starts = [tuple(range(0, meant.keys, size)) for size in dict.fromkeys(sizes) if 0 < size < meant.keys]
    if 0 < meant.band.offset < meant.keys:
        starts.append((0, meant.band.offset))
    yield from dict.fromkeys(starts)


def _parts(given: Logits, starts: tuple[int, ...]) -> list[Array]:
    """The logits of each part."""
    return numpy.split(given.logits, starts[1:], axis=-1)


def averaged(given: Logits, starts: tuple[int, ...]) -> Array:
    """Each part's own softmax, and the mean of all."""
    return summed(given, starts) / len(starts)


def summed(given: Logits, starts: tuple[int, ...]) -> Array:
    """Each part's own softmax, and the sum of all."""
    weights: Array = numpy.concatenate([softmax(part, given.sinks) for part in _parts(given, starts)], axis=-1)
    return weights


def merged(given: Logits, starts: tuple[int, ...], factor: float) -> Array:
    """Each part's own softmax, weighed by e^(factor · its log-sum-exp)."""
    parts = _parts(given, starts)
    totals = numpy.stack([numpy.logaddexp.reduce(part, axis=-1) for part in parts], axis=-1)
    shares = softmax(totals * factor, None if given.sinks is None else given.sinks * factor)
    own = [softmax(part, None) * shares[..., [place]] for place, part in enumerate(parts)]
    weights: Array = numpy.concatenate(own, axis=-1)
    return weights


def divided_each_time(given: Logits, size: int) -> Array:
    """What stands is divided by the running total after every tile, and not once in the end."""
    running = Running(given, size)
    right = given.logits - numpy.where(numpy.isfinite(running.running), running.running, 0)[..., -1:]
    tops = numpy.where(numpy.isfinite(running.running), running.running, 0)
    ends = numpy.minimum(numpy.arange(1, tops.shape[-1] + 1) * size, right.shape[-1]) - 1
    totals = numpy.cumsum(numpy.exp(right), -1)[..., ends]  # (…, rows, tiles), as if rescaled to the last maximum
    logs = numpy.log(numpy.where(totals > 0, totals, 1)) + tops[..., -1:] - tops
    divisors = numpy.cumsum(logs[..., ::-1], -1)[..., ::-1]  # by this tile's total and by all later ones
    weights: Array = numpy.exp(right - divisors[..., running.tile])
    return weights


@mistake("tiles-averaged", pairs=False)
def tiles_averaged(meant: Recipe) -> Iterator[Variant]:
    """Each tile is divided by its own total, and the tiles are averaged as if all weighed the same; the value is the size of
    the first."""
    for starts in _splits(meant):
        yield Variant(meant.but(weigh=partial(averaged, starts=starts)), float(starts[1]))


@mistake("tiles-summed", pairs=False)
def tiles_summed(meant: Recipe) -> Iterator[Variant]:
    """Each tile is divided by its own total, and the tiles are added up: a row's weights sum to how many there are."""
    for starts in _splits(meant):
        yield Variant(meant.but(weigh=partial(summed, starts=starts)), float(starts[1]))


@mistake("merged-in-other-base", pairs=False)
def merged_in_other_base(meant: Recipe) -> Iterator[Variant]:
    """Parts are merged by log-sum-exps in base 2 as if they were natural, or by natural ones as if they had base 2."""
    for starts in _splits(meant):
        for factor in BASES:
            yield Variant(meant.but(weigh=partial(merged, starts=starts, factor=factor)), float(starts[1]))


@mistake("divided-each-tile", pairs=False)
def divided_each_tile(meant: Recipe) -> Iterator[Variant]:
    """What was summed up is divided by the total after every tile, and not once after the last; the value is a tile's size."""
    if meant.sinks is None:
        for size in sizes_of_tiles(meant):
            yield Variant(meant.but(weigh=partial(divided_each_time, size=size)), float(size))
