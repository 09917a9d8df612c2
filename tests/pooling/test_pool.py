"""The pooled map is attend()'s weights, pooled: for every rule, for NumPy and torch, for any number of tokens."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from pooling_oracle import KINDS, agree, allowed, expected, part_of, problems, whole_numbers

from attnviz import AttnvizError, Layer, Rule, Trace, attend
from attnviz.attention.toeplitz import is_spread, spread
from attnviz.pooling.pool import pool, pool_arrays

torch = pytest.importorskip("torch")
BLOCKS = (4, 8), (512, 1024)


@settings(max_examples=30)  # four maps each
@given(problem=problems())
def test_the_map_is_the_weights_pooled(problem):
    check(*problem)


@pytest.mark.slow
@given(problem=problems())
def test_the_map_is_the_weights_pooled_in_more_cases(problem):
    check(*problem)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [None, 6, 1350, 2**53])
@pytest.mark.parametrize("offset", [-(2**53), -3, 3 * 10**15, 8219482817533501])
def test_positions_may_lie_as_far_as_a_rule_allows(offset, window, causal):
    query, key = numpy.random.default_rng(0).standard_normal((2, 2, 20, 4))
    rule = Rule(causal=causal, query_offset=offset, window=window)
    pooled = pool_arrays(query, key, rule, cells=6)
    agree(pooled, expected(query, key, rule, pooled), allowed(query, key, rule, pooled, float))


@pytest.mark.slow
@settings(max_examples=60)  # four maps each
@given(problem=whole_numbers())
def test_the_map_is_the_weights_pooled_in_single_precision(problem):
    check(*problem)


@pytest.mark.slow
@settings(max_examples=60)  # four maps each
@given(problem=problems(), data=st.data())
def test_a_region_is_of_the_same_weights(problem, data):
    queries, keys = (part_of(data.draw, array.shape[1]) for array in problem[:2])
    check(*problem, queries=queries, keys=keys)


def check(query, key, rule, cells, **region):
    """Pool for NumPy and torch, in one tile and in several, and compare each with the same weights."""
    wanted = None
    for sizes, (name, kind) in product(BLOCKS, KINDS.items()):
        note(f"{name}, tiles of {sizes}")
        pooled = pool_arrays(kind(query), kind(key), rule, cells=cells, tile=sizes, **region)
        assert type(pooled.mean) is type(kind(query))
        assert numpy.asarray(pooled.mean).dtype == query.dtype
        assert max(pooled.mean.shape[1:]) <= cells
        for edges, side in ((pooled.query_edges, region.get("queries")), (pooled.key_edges, region.get("keys"))):
            assert side is None or (edges[0], edges[-1]) == (side.start, side.stop)
        if wanted is None:
            wanted, near = expected(query, key, rule, pooled), allowed(query, key, rule, pooled, query.dtype)
        agree(pooled, wanted, near)


def test_half_precision_is_computed_in_single():
    query, key = (torch.randn(1, 50, 8).bfloat16() for _ in range(2))
    pooled = pool_arrays(query, key, cells=7)
    assert pooled.mean.dtype == torch.float32
    query, key = query.double().numpy(), key.double().numpy()
    agree(pooled, expected(query, key, Rule(), pooled), allowed(query, key, Rule(), pooled, numpy.float32))


def test_heads_are_chosen_in_the_order_given():
    random = numpy.random.default_rng(2)
    query, key = (random.standard_normal((heads, 20, 8)) for heads in (4, 2))
    rule = Rule(sinks=random.standard_normal(4), bias=random.standard_normal((4, 20, 20)))
    layer = Layer(query, key, key, rule)
    whole, some = pool(layer, cells=5), pool(layer, heads=[3, 0], cells=5)
    assert some.heads == (3, 0)
    numpy.testing.assert_array_equal(some.mean, whole.mean[[3, 0]])
    numpy.testing.assert_array_equal(some.entropy, whole.entropy[[3, 0]])


def test_a_row_of_cells_keeps_its_mass():
    random = numpy.random.default_rng(3)
    query = random.standard_normal((1, 103, 8))
    pooled = pool_arrays(query, query, Rule(causal=True), cells=10)
    numpy.testing.assert_allclose(pooled.mean @ numpy.diff(pooled.key_edges), 1)
    assert (pooled.visible[0][numpy.triu_indices(10, 1)] == 0).all()
    assert (numpy.diagonal(pooled.visible[0]) > 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_bias_by_distance_is_pooled_as_it_is_held(kind):
    """A number a distance, also where torch computes; as queries × keys it would fill the memory."""
    random = numpy.random.default_rng(7)
    query, key = (random.standard_normal((heads, tokens, 8)) for heads, tokens in ((4, 60), (2, 90)))
    bias = spread(random.standard_normal((4, 149)), 60)
    made = Layer(KINDS[kind](query), KINDS[kind](key), KINDS[kind](key), Rule(bias=bias, causal=True, query_offset=20))
    moved = Trace(tuple(map(str, range(60))), (replace(made, key_tokens=tuple(map(str, range(90)))),)).to(kind)
    assert is_spread(moved.layers[0].rule.bias)
    layer = moved.layers[0]
    pooled = pool_arrays(layer.query, layer.key, layer.rule, cells=7, tile=(16, 512))
    agree(pooled, expected(query, key, made.rule, pooled), allowed(query, key, made.rule, pooled, float))


SINGLE = {name: numpy.ones((2, 5, 4), numpy.float32) for name in ("query", "key")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cells": 0}, "cells is 0"),
        ({"cells": 2.5}, r"cells is 2.5: expected how many there are across a map, a whole number"),
        ({"cells": "9"}, "cells is '9': expected"),
        ({"heads": [2]}, "there is no head 2"),
        ({"heads": []}, "no head is chosen"),
        ({"heads": 1}, r"heads is 1: expected the numbers of some heads, such as \[0, 3\]"),
        ({"heads": "01"}, "one of heads is '0': expected the numbers"),
        ({"heads": [0.0]}, "one of heads is 0.0: expected the numbers"),
        (
            {"queries": slice(0, 5)},
            r"queries is slice\(0, 5, None\): expected consecutive positions, such as range\(0, 100\)",
        ),
        ({"keys": [0, 1]}, r"keys is \[0, 1\]: expected consecutive positions"),
        (
            {"queries": range(0, 5, 2)},
            r"queries is range\(0, 5, 2\): expected consecutive positions, but its step is 2",
        ),
        ({"queries": range(4, 1, -1)}, "its step is -1"),
        ({"keys": range(3, 3)}, r"keys is range\(3, 3\): the range is empty"),
        ({"keys": range(3, 9)}, r"keys is range\(3, 9\): there are 5 keys, at the positions 0 to 4"),
        ({"queries": range(-1, 3)}, r"queries is range\(-1, 3\): there are 5 queries"),
        ({"key": numpy.ones((1, 5, 3))}, "dimensions"),
        ({"key": numpy.ones((1, 6, 4)), "rule": Rule(causal=True)}, "at which key does the first query stand"),
        ({"query": numpy.full((1, 5, 4), math.nan)}, "query is not finite"),
        ({"query": numpy.full((1, 5, 4), 1e200), "key": numpy.full((1, 5, 4), 1e200)}, "too large"),
        ({"rule": Rule(mask=numpy.ones((3, 5), bool))}, "does not fit"),
        ({"rule": Rule(sinks=numpy.ones(3))}, "one logit per head"),
        (
            {"rule": Rule(bias=numpy.full((5, 5), 1.7e308)), "key": numpy.full((1, 5, 4), 4e307)},
            "the masked scores are too large",
        ),
        (SINGLE | {"rule": Rule(bias=numpy.full((5, 5), 1e300))}, "the masked scores are too large for float32"),
        (
            SINGLE | {"query": numpy.full((2, 5, 4), 1e10, numpy.float32), "rule": Rule(scale=1e30)},
            "query times the scale",
        ),
        (SINGLE | {"rule": Rule(softcap=1e-40)}, "float32 cannot hold that number"),
        (SINGLE | {"rule": Rule(sinks=numpy.full(2, 1e300))}, "sinks holds a value that is not finite"),
    ],
)
def test_what_does_not_fit_is_said(change, message):
    given = {"query": numpy.ones((2, 5, 4)), "key": numpy.ones((1, 5, 4))} | change
    with pytest.raises(AttnvizError, match=message):
        pool_arrays(**given)


def test_heads_and_cells_may_be_numbers_of_numpy():
    array = numpy.ones((3, 5, 4))
    assert pool_arrays(array, array, heads=numpy.array([2, 0]), cells=numpy.int32(2)).heads == (2, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bias_that_overflows_is_refused_in_torch_too(kind):
    query, bias = (
        KINDS[kind](array.astype(numpy.float32)) for array in (numpy.full((1, 5, 4), 8e18), numpy.full((5, 5), 3.4e38))
    )
    with pytest.raises(AttnvizError, match="the masked scores are too large"):
        attend(query, query, query, bias=bias)
    with pytest.raises(AttnvizError, match="the masked scores are too large"):
        pool_arrays(query, query, Rule(bias=bias))


def test_what_requires_a_gradient_is_pooled_all_the_same():
    query = torch.randn(2, 9, 4, requires_grad=True)
    learned = {"sinks": torch.randn(2, requires_grad=True), "bias": torch.randn(9, 9, requires_grad=True)}
    pooled = pool_arrays(query, query, Rule(**learned), cells=3)
    plain = pool_arrays(query, query, Rule(**{name: tensor.detach() for name, tensor in learned.items()}), cells=3)
    assert not pooled.mean.requires_grad
    assert torch.equal(pooled.mean, plain.mean)


@pytest.mark.parametrize("name", ["mean", "maximum", "entropy", "largest", "first_key", "sink"])
def test_a_map_that_is_a_billionth_off_is_found(name):
    """Of calm numbers in float64: what rounding may take is far less."""
    query, key = numpy.random.default_rng(3).standard_normal((2, 2, 20, 4))
    rule = Rule(causal=True, sinks=numpy.array([0.5, -0.5]))
    pooled = pool_arrays(query, key, rule, cells=6)
    wanted, near = expected(query, key, rule, pooled), allowed(query, key, rule, pooled, float)
    agree(pooled, wanted, near)
    with pytest.raises(AssertionError, match=f"^{name}"):
        agree(replace(pooled, **{name: getattr(pooled, name) * (1 + 1e-9)}), wanted, near)


def test_weights_alone_are_pooled_as_those_that_a_layer_computes():
    query, key = numpy.random.default_rng(0).standard_normal((2, 2, 20, 4))
    layer = Layer(query, key, key, Rule(causal=True))
    alone = Layer(weights=layer.steps().weights, rule=Rule(causal=True))
    wanted, found = pool(layer, cells=6), pool(alone, cells=6)
    assert numpy.allclose(found.mean, wanted.mean, atol=1e-12)


def test_what_is_no_whole_number_of_cells_is_told():
    with pytest.raises(AttnvizError, match="cells is 'many': expected"):
        pool_arrays(numpy.ones((1, 3, 2)), numpy.ones((1, 3, 2)), Rule(), cells="many")
