"""Mistakes of a bias that depends on how far a key is from a query: ALiBi's slopes (Press et al. 2021, 2108.12409) and tables
of distances (Raffel et al. 2019, 1910.10683), of which a cache's queries read other rows."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Recipe
from attnviz.analysis.diagnosis.registry import Variant, mistake

SAME = 1e-5  # in parts of the largest, how far numbers may be from each other that were meant to be one
NEAR = 1e-4  # how far two slopes may be from each other, in parts


def slopes_of(meant: Recipe) -> Array | None:
    """The slopes, (heads,), of a bias that is −slope · |key − query|; None where it is not that."""
    bias = meant.bias
    if bias is None or bias.shape[:2] != (1, meant.heads) or bias.shape[2] != meant.queries:
        return None
    distance = abs(_apart(meant, meant.band.offset))
    seen = meant.seen[0, 0] & (distance > 0)
    if not seen.any() or not numpy.isfinite(bias[0][:, seen]).all():
        return None
    each = -bias[0][:, seen] / distance[seen]
    slopes: Array = numpy.median(each, axis=1)
    straight = abs(each - slopes[:, None]).max() <= SAME * abs(slopes).max()
    return slopes if straight and bool((slopes > 0).all()) else None


def _apart(meant: Recipe, offset: int) -> Array:
    return numpy.arange(meant.keys) - (numpy.arange(meant.queries)[:, None] + offset)


def _alibi(meant: Recipe, slopes: Array, offset: int) -> Array:
    hidden = 0.0 if meant.bias is None else numpy.where(meant.bias == -math.inf, -math.inf, 0.0)
    return -slopes[None, :, None, None] * abs(_apart(meant, offset)) + hidden


def _series(heads: int) -> Iterator[Array]:
    """Slopes for so many heads, as code in use makes them."""
    steps = numpy.arange(1, heads + 1)
    below, above = 2 ** int(math.log2(heads)), 2 ** math.ceil(math.log2(heads))
    extra = 2.0 ** (-4 * (2 * numpy.arange(heads - below) + 1) / below)
    yield 2.0 ** (-8 * steps / heads)
    yield 2.0 ** (-8 * (steps - 1) / heads)
    yield numpy.concatenate([2.0 ** (-8 * steps[:below] / below), extra])
    yield 2.0 ** (-8 * steps / below)
    yield 2.0 ** (-8 * steps / above)
    yield 1.0 / 2.0**steps
    yield 1.0 / steps


@mistake("bias-slopes", pairs=False)
def bias_slopes(meant: Recipe) -> Iterator[Variant]:
    """ALiBi's slopes are those of another series, as of a number of heads that is a power of two."""
    slopes = slopes_of(meant)
    if slopes is not None:
        for other in _series(meant.heads):
            if numpy.ptp(other / slopes) > NEAR * (other / slopes).max():  # else it is a bias that is scaled
                yield Variant(meant.but(bias=_alibi(meant, other, meant.band.offset)))


@mistake("bias-offset")
def bias_offset(meant: Recipe) -> Iterator[Variant]:
    """The distances of the bias are counted as if the first query stood at the first key, where a cache comes before it."""
    if meant.bias is None or meant.band.offset == 0 or meant.bias.shape[2] != meant.queries:
        return
    table = _table(meant.bias, meant.band.offset)
    if table is not None:
        apart = _apart(meant, 0)
        for distance in (-abs(apart), numpy.minimum(apart, 0)):
            yield Variant(meant.but(bias=table[..., distance + table.shape[-1] - 1]))


def _table(bias: Array, offset: int) -> Array | None:
    """The bias of each distance from as far back as there is to 0, (items, heads, distances); None where distance does not
    decide it."""
    queries, keys = bias.shape[2:]
    back = offset + queries - 1
    if not 0 <= back < keys or not numpy.isfinite(bias[:, :, -1, : back + 1]).all():
        return None
    table: Array = bias[:, :, -1, : back + 1]
    apart = numpy.arange(keys) - (numpy.arange(queries)[:, None] + offset)
    behind = apart <= 0
    told = table[..., numpy.minimum(apart, 0) + back]
    return table if bool((abs(told - bias)[..., behind] <= SAME * abs(table).max()).all()) else None
