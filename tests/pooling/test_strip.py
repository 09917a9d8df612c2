"""What is kept of the tiles of a block of queries gives the weights of attend(), whatever the tiles are."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy
import pytest
from hiding_rules import TOKENS, arrays, rules
from numpy.testing import assert_allclose

from attnviz import Rule, attend
from attnviz.pooling.result import Measures
from attnviz.pooling.scores import Factors, Head
from attnviz.pooling.strip import Strip, fill, find_keys, gather, normalise
from attnviz.pooling.tiles import Tile, cut

HEAD = 2
NAMES = ["nothing", "causal", "window", "mask", "cells by -10000.0, causal", "bias and sinks", "bias and softcap"]


def pooled(rule: Rule, most: int, cell: int, size: float = 1.0, factors: Factors | None = None):
    """All queries of one head in tiles of at most ``most`` keys: its map by cells of one query and ``cell`` keys, and rows."""
    query, key, _ = arrays()
    head = replace(Head.of(size * query, key, rule, HEAD, query.dtype, 1e6), factors=factors)
    block, shown = head.queries(0, TOKENS), range(0, TOKENS, cell)
    tiles: list[Tile] = list(cut(0, TOKENS, shown, most))
    ends = list(itertools.accumulate((tile.slots for tile in tiles), initial=0))
    slots = [slice(*pair) for pair in itertools.pairwise(ends)]
    counting = rule.mask is not None or rule.bias is not None
    strip = Strip.empty(head, block, len(tiles), ends[-1], counting)
    fill(head, block, (0, TOKENS), tiles, slots, strip)
    found = normalise(head, strip, slots)
    columns = len(shown)
    maps = [numpy.zeros((TOKENS, columns)) for _ in range(3)]
    maps = [*maps[:2], maps[2] if counting else None]
    if factors is not None and factors.signed:  # of which the largest may be below the 0 of a hidden pair
        maps[1][...] = -math.inf
    into = Measures(*maps, *[numpy.zeros(TOKENS)] * 6)
    entropy, best = gather(head, strip, found, tiles, slots, (slice(0, TOKENS), 1), into)
    return into, entropy / math.log(2), best.weight, find_keys(head, block, 0, best, cell)


@pytest.mark.parametrize("size", [1.0, 40.0])
@pytest.mark.parametrize(("most", "cell"), [(1, 1), (2, 1), (TOKENS, 1), (TOKENS, 3), (2, 3), (3, 2)])
@pytest.mark.parametrize("name", NAMES)
def test_a_strip_gives_the_weights(name, most, cell, size):
    rule = rules()[name]
    query, key, value = arrays()
    steps = attend(size * query, key, value, **vars(rule))
    weights, seen = steps.weights[HEAD], ~steps.hidden[HEAD]
    into, entropy, largest, keys = pooled(rule, most, cell, size)
    starts = range(0, TOKENS, cell)
    assert_allclose(into.mean, numpy.add.reduceat(weights, starts, axis=1), atol=1e-12)
    assert_allclose(into.maximum, numpy.maximum.reduceat(weights, starts, axis=1), atol=1e-12)
    if into.visible is not None:
        assert_allclose(into.visible, numpy.add.reduceat(seen.astype(float), starts, axis=1))
    logarithms = numpy.log2(numpy.where(weights > 0, weights, 1))
    rest = 1 - weights.sum(axis=1) if rule.sinks is not None else numpy.zeros(TOKENS)
    own = -(weights * logarithms).sum(axis=1)
    assert_allclose(entropy, own, atol=1e-9)
    assert (rest >= -1e-12).all()
    assert_allclose(largest, weights.max(axis=1), atol=1e-12)
    sees = seen.any(axis=1)
    assert_allclose(weights[numpy.arange(TOKENS), keys][sees], weights.max(axis=1)[sees], atol=1e-12)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("most", "cell"), [(1, 1), (TOKENS, 3), (2, 3)])
@pytest.mark.parametrize("name", NAMES)
def test_weights_are_multiplied_with_what_each_pair_is_given(name, most, cell, signed):
    rule = rules()[name]
    steps = attend(*arrays(), **vars(rule))
    given = numpy.random.default_rng(0).normal(size=(TOKENS, TOKENS))
    given = given if signed else numpy.abs(given)
    brought = given * steps.weights[HEAD]
    into, entropy, *_ = pooled(rule, most, cell, factors=Factors(lambda queries, keys: given[queries, keys], signed))
    starts = range(0, TOKENS, cell)
    assert_allclose(into.mean, numpy.add.reduceat(brought, starts, axis=1), atol=1e-12)
    largest = numpy.where(steps.hidden[HEAD], -math.inf if signed else 0.0, brought)
    assert_allclose(into.maximum, numpy.maximum.reduceat(largest, starts, axis=1), atol=1e-12)
    assert_allclose(entropy, pooled(rule, most, cell)[1], atol=1e-12)  # which is that of the weights
