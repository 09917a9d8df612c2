"""A key's column of weights alone is that of the layer that made them."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Rule, Trace
from attnviz.analysis.key_column import key_columns
from tests.support.weights_alone import alone

RANDOM = numpy.random.default_rng(7)
RULES = {
    "plain": Rule(),
    "causal": Rule(causal=True),
    "window": Rule(causal=True, window=5),
    "mask": Rule(mask=RANDOM.random((3, 30, 30)) < 0.6),
    "sinks": Rule(causal=True, sinks=numpy.array([1.0, 0.0, -1.0])),
}


def a_trace(rule):
    vectors = RANDOM.standard_normal((3, 30, 4))
    return Trace([f"w{place % 7}" for place in range(30)], (Layer(vectors, vectors, vectors, rule),))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_column_of_a_key_is_the_same(rule):
    trace = a_trace(rule)
    for ours, theirs in zip(
        key_columns(alone(trace).layers[0], [1, 2], 4), key_columns(trace.layers[0], [1, 2], 4), strict=True
    ):
        numpy.testing.assert_allclose(ours.weights, theirs.weights, atol=1e-12)
        assert (ours.hidden == theirs.hidden).all()
