"""Some queries, keys or heads of a layer compute what the whole one does."""

from __future__ import annotations

import numpy
import pytest
from numpy.testing import assert_allclose

from attnviz import Layer, Rule
from attnviz.attention.toeplitz import spread
from attnviz.trace.slices import queries_at, seen_keys, some_heads, some_keys, some_queries

DRAW = numpy.random.default_rng(0)
MASK = DRAW.random((4, 6, 6)) < 0.7
RULES = {
    "plain": Rule(),
    "causal": Rule(causal=True),
    "window": Rule(window=2),
    "all": Rule(0.4, True, 0, 3, 2.0, MASK, DRAW.normal(size=(6, 6)), DRAW.normal(size=4)),
    "shared rows": Rule(mask=MASK[:, :1], bias=DRAW.normal(size=(1, 1, 6))),
    "one number": Rule(mask=numpy.array(True), bias=numpy.array(0.5)),
    "by distance": Rule(causal=True, bias=spread(DRAW.normal(size=(4, 11)), 6)),
}


@pytest.fixture(params=RULES)
def layer(request) -> Layer:
    draw = numpy.random.default_rng(1)
    arrays = draw.normal(size=(4, 6, 3)), draw.normal(size=(2, 6, 3)), draw.normal(size=(2, 6, 5))
    return Layer(*arrays, RULES[request.param], index=2, name="cross 2", kind="cross")


def named(layer: Layer) -> tuple[int, str, str]:
    return layer.index, layer.name, layer.kind


@pytest.mark.parametrize(("start", "stop"), [(0, 6), (0, 1), (2, 5), (5, 6)])
def test_some_queries_are_those_rows_of_the_whole(layer, start, stop):
    some = some_queries(layer, start, stop)
    assert named(some) == named(layer)
    for ours, whole in zip(some.steps(), layer.steps(), strict=True):
        assert_allclose(ours, whole[:, start:stop], rtol=1e-12)


@pytest.mark.parametrize(("start", "stop"), [(0, 6), (0, 1), (2, 5), (5, 6)])
def test_some_keys_are_those_columns_before_the_softmax(layer, start, stop):
    some = some_keys(layer, start, stop)
    assert named(some) == named(layer)
    for ours, whole in zip(some.steps()[:3], layer.steps()[:3], strict=True):
        assert_allclose(ours, whole[..., start:stop], rtol=1e-12)


@pytest.mark.parametrize(("start", "stop"), [(0, 4), (0, 2), (2, 4)])
def test_some_heads_are_those_of_the_whole(layer, start, stop):
    some = some_heads(layer, slice(start, stop))
    assert named(some) == named(layer)
    for ours, whole in zip(some.steps(), layer.steps(), strict=True):
        assert_allclose(ours, whole[start:stop], rtol=1e-12)


@pytest.mark.parametrize(("start", "stop"), [(0, 6), (0, 1), (2, 4), (5, 6)])
def test_the_keys_that_are_seen_are_enough(layer, start, stop):
    some = some_queries(layer, start, stop)
    keys, seen = seen_keys(some)
    assert_allclose(seen.steps().output, some.steps().output, rtol=1e-12)
    weights = some.steps().weights
    assert_allclose(seen.steps().weights, weights[..., keys], rtol=1e-12)
    assert numpy.delete(weights, range(keys.start, keys.stop), axis=-1).sum() == 0


def test_a_causal_query_needs_no_key_behind_it():
    ones = numpy.ones((1, 6, 2))
    assert seen_keys(some_queries(Layer(ones, ones, ones, Rule(causal=True)), 1, 3))[0] == slice(0, 3)
    assert seen_keys(some_queries(Layer(ones, ones, ones, Rule(causal=True, window=2)), 4, 6))[0] == slice(3, 6)


def test_where_no_key_is_seen_one_stays():
    ones = numpy.ones((1, 3, 2))
    keys, seen = seen_keys(Layer(ones, ones, ones, Rule(causal=True, query_offset=-9)))
    assert keys == slice(0, 1)
    assert not seen.steps().output.any()


@pytest.mark.parametrize("places", [[2, 3, 4], [0, 3, 6], [6]], ids=str)
@pytest.mark.parametrize(
    "rule",
    [
        Rule(),
        Rule(causal=True, window=3),
        Rule(causal=True, mask=numpy.arange(7)[None] != 2, scale=0.7),
        Rule(bias=numpy.arange(98.0).reshape(2, 7, 7) / 20, softcap=2.0),
        Rule(sinks=numpy.array([0.5, 1.0]), window=4),
    ],
    ids=repr,
)
def test_queries_here_and_there_are_those_of_the_whole(rule, places):
    draw = numpy.random.default_rng(0)
    query, key, value = (draw.standard_normal((heads, 7, 3)) for heads in (2, 1, 1))
    whole = Layer(query, key, value, rule)
    some, steps = queries_at(whole, numpy.array(places)).steps(), whole.steps()
    assert_allclose(some.weights, steps.weights[:, places], atol=1e-12)
    assert_allclose(some.output, steps.output[:, places], atol=1e-12)
