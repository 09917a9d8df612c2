"""Mistakes of which key and value head a query head reads (Ainslie et al. 2023, 2305.13245), and of their order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Recipe
from attnviz.analysis.diagnosis.registry import Variant, mistake

MOST_HEADS = 16  # of which each two are tried


def _reading(meant: Recipe, groups: Array) -> Iterator[Variant]:
    """Each head reads the keys, the values or both of ``groups``."""
    if not numpy.array_equal(groups, meant.groups):
        values = meant.groups if meant.value_groups is None else meant.value_groups
        yield Variant(meant.but(groups=groups, value_groups=None))
        yield Variant(meant.but(groups=groups, value_groups=values))
        if not meant.only_weights:
            yield Variant(meant.but(value_groups=groups))


@mistake("groups-tiled")
def groups_tiled(meant: Recipe) -> Iterator[Variant]:
    """Head h reads kv head h % kv_heads, as with repeat or tile, and not h // group."""
    if not numpy.array_equal(tiled(meant), meant.groups):
        yield Variant(meant.but(groups=tiled(meant), value_groups=None))


@mistake("key-groups-tiled", pairs=False)
def key_groups_tiled(meant: Recipe) -> Iterator[Variant]:
    """The keys alone are tiled, and the values repeated as they should be."""
    if not numpy.array_equal(tiled(meant), meant.groups):
        yield Variant(meant.but(groups=tiled(meant), value_groups=meant.groups))


@mistake("value-groups-tiled", pairs=False)
def value_groups_tiled(meant: Recipe) -> Iterator[Variant]:
    """The values alone are tiled, and the keys repeated as they should be."""
    if not numpy.array_equal(tiled(meant), meant.groups) and not meant.only_weights:
        yield Variant(meant.but(value_groups=tiled(meant)))


def tiled(meant: Recipe) -> Array:
    """Head h reads kv head h % kv_heads."""
    return numpy.arange(meant.heads) % meant.key_heads


@mistake("groups-first")
def groups_first(meant: Recipe) -> Iterator[Variant]:
    """All heads read the first kv head."""
    yield from _reading(meant, numpy.zeros(meant.heads, int))


@mistake("groups-divided-wrong", pairs=False)
def groups_divided_wrong(meant: Recipe) -> Iterator[Variant]:
    """Head h reads kv head h // kv_heads: divided by how many kv heads there are, and not by the size of a group."""
    groups = numpy.arange(meant.heads) // meant.key_heads
    if groups.max() < meant.key_heads < meant.heads:
        yield from _reading(meant, groups)


@mistake("heads-reversed", all_heads=True)
def heads_reversed(meant: Recipe) -> Iterator[Variant]:
    """The heads stand in reverse order: of the output, of the queries, or of keys and values."""
    if meant.heads > 1:
        yield Variant(meant.but(read=_flipped))
        yield Variant(meant.but(query=meant.query[:, ::-1]))
    if meant.key_heads > 1:
        yield Variant(meant.but(key=meant.key[:, ::-1]))
        if not meant.only_weights:
            yield Variant(meant.but(key=meant.key[:, ::-1], value=meant.value[:, ::-1]))
            yield Variant(meant.but(value=meant.value[:, ::-1]))


def _flipped(output: Array) -> Array:
    return output[:, ::-1]


@mistake("heads-rotated", pairs=False, all_heads=True)
def heads_rotated(meant: Recipe) -> Iterator[Variant]:
    """Each head reads the next one's keys, values or both, or the one's before."""
    if meant.key_heads > 1:
        for step in (1, -1):
            yield from _reading(meant, (meant.groups + step) % meant.key_heads)


@mistake("heads-exchanged", pairs=False, all_heads=True)
def heads_exchanged(meant: Recipe) -> Iterator[Variant]:
    """Two kv heads have each other's keys, values or both."""
    if 2 < meant.key_heads <= MOST_HEADS:
        for first, second in combinations(range(meant.key_heads), 2):
            order = numpy.arange(meant.key_heads)
            order[[first, second]] = second, first
            yield from _reading(meant, order[meant.groups])


@mistake("head-reads-another", pairs=False)
def head_reads_another(meant: Recipe) -> Iterator[Variant]:
    """A head reads the keys, the values or both of a kv head that is not its own; the value is that kv head."""
    if 2 < meant.key_heads <= MOST_HEADS:
        for other in range(1, meant.key_heads):
            for one in _reading(meant, numpy.full(meant.heads, other)):
                yield one._replace(value=float(other))


@mistake("items-mixed", pairs=False)
def items_mixed(meant: Recipe) -> Iterator[Variant]:
    """All items of the batch read the keys, the values or both of the first; or of the item beside them."""
    if meant.items > 1:
        each = numpy.arange(meant.items)
        for places in (0 * each, numpy.roll(each, 1), numpy.roll(each, -1)):
            yield Variant(meant.but(key=meant.key[places]))
            if not meant.only_weights:
                yield Variant(meant.but(value=meant.value[places]))
                yield Variant(meant.but(key=meant.key[places], value=meant.value[places]))
