"""Mistakes of which tokens are read from memory in tiles and pages: a page of another's, a tile that was moved to fit."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy

from attnviz.analysis.diagnosis.families.tiles import sizes_of_tiles
from attnviz.analysis.diagnosis.recipe import Array, Recipe
from attnviz.analysis.diagnosis.registry import Variant, mistake

PAGES = (8, 16, 32, 64, 128)
MOST_PAGES = 12  # of which each is tried in the place of each other


def _gathered(meant: Recipe, places: Array) -> Recipe:
    """The key and value at ``places``, in the order of the tokens; the keys as they were turned where they stood."""
    return meant.but(key_places=places, value_places=None if meant.only_weights else places)


@mistake("page-replaced", pairs=False)
def page_replaced(meant: Recipe) -> Iterator[Variant]:
    """A block of keys and values is read from where another lies, as by an old entry in a table of pages; the value is the
    first key of the one that is lost."""
    for size in PAGES:
        count = meant.keys // size
        if not 1 < count <= MOST_PAGES:
            continue
        for lost in range(count):
            for read in range(count):
                if lost != read:
                    places = numpy.arange(meant.keys)
                    places[lost * size : (lost + 1) * size] = numpy.arange(read * size, (read + 1) * size)
                    yield Variant(_gathered(meant, places), float(lost * size))


@mistake("tile-moved-to-fit", pairs=False)
def tile_moved_to_fit(meant: Recipe) -> Iterator[Variant]:
    """The last tile, which is not full, begins earlier so that it fits, as a clamped slice does, and is masked as if it did
    not: earlier keys stand in the place of the last ones; the value is the size of a tile."""
    for size in sizes_of_tiles(meant):
        rest = meant.keys % size
        if rest:
            places = numpy.arange(meant.keys)
            places[-rest:] = numpy.arange(meant.keys - size, meant.keys - size + rest)
            yield Variant(_gathered(meant, places), float(size))


@mistake("keys-repeated", pairs=False)
def keys_repeated(meant: Recipe) -> Iterator[Variant]:
    """The tokens, and not the heads, were repeated for groups, so that causal counts each key more often than once: a query
    sees fewer of them; the value is how often."""
    times = meant.heads // meant.key_heads
    if times > 1 and meant.is_causal and not meant.has_window and meant.mask is None and meant.bias is None:
        last = meant.band.offset + numpy.arange(meant.queries)[:, None]
        counts = numpy.clip(last + 1 - times * numpy.arange(meant.keys), 0, times)
        bias = numpy.where(counts > 0, numpy.log(numpy.maximum(counts, 1)), -math.inf)
        yield Variant(meant.but(bias=bias[None, None]), float(times))
