"""Some queries, keys or heads of weights alone."""

from __future__ import annotations

import numpy
import pytest

from attnviz.attention.rule import Rule
from attnviz.trace.layer import Layer
from attnviz.trace.slices import seen_keys, some_heads, some_keys, some_queries, weighed
from tests.support.weights_alone import layer_alone

RULE = Rule(causal=True, window=4, mask=numpy.random.default_rng(1).random((3, 9, 9)) < 0.8)


def layers():
    query = numpy.random.default_rng(0).standard_normal((3, 9, 4))
    whole = Layer(query, query, query, RULE, index=2, name="cross 2", kind="cross")
    return whole, layer_alone(whole)


@pytest.mark.parametrize(
    "part", [lambda layer: some_queries(layer, 4, 7), lambda layer: some_heads(layer, slice(1, 3))]
)
def test_a_part_of_the_weights_is_that_of_the_whole_layer(part):
    whole, alone = map(part, layers())
    assert (alone.index, alone.name, alone.kind) == (2, "cross 2", "cross")
    numpy.testing.assert_allclose(alone.steps().weights, whole.steps().weights, atol=1e-15)
    assert (alone.steps().hidden == whole.steps().hidden).all()
    assert (seen_keys(alone)[0], seen_keys(alone)[1].keys) == (seen_keys(whole)[0], seen_keys(whole)[1].keys)


def test_of_some_keys_the_weights_stay_what_they_are():
    _, alone = layers()
    some = some_keys(alone, 2, 6)
    assert (some.steps().weights == alone.steps().weights[..., 2:6]).all()
    assert (some.steps().hidden == alone.steps().hidden[..., 2:6]).all()


def test_the_weights_without_outputs_are_the_weights():
    whole, alone = layers()
    assert (weighed(alone, 1).weights == weighed(whole, 1).weights).all()
    assert weighed(whole).output.shape == (3, 9, 1)
