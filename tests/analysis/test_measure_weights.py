"""What is measured of weights alone is what is measured of the layer that made them."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.analysis.measure import head_metrics, measure_heads
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
@pytest.mark.parametrize("keys", [None, range(4, 25)])
def test_every_metric_is_the_same(rule, keys):
    trace = a_trace(rule)
    other = alone(trace)
    for cells in (90, 1 << 20):  # of several blocks and of one
        wanted = measure_heads(trace, trace.layers[0], keys=keys, cells=cells)
        found = measure_heads(other, other.layers[0], keys=keys, cells=cells)
        for metric, values in wanted.metrics.items():
            numpy.testing.assert_allclose(found.metrics[metric], values, atol=1e-9, err_msg=metric)
        numpy.testing.assert_allclose(found.left_out, wanted.left_out, atol=1e-12)


def test_rounding_is_no_sink():
    trace = trace_text("one step and one more step", heads=2)
    layer = trace.layers[0]
    half = Layer(weights=layer.steps().weights.astype(numpy.float16))
    wanted, found = (head_metrics(trace, one) for one in (layer, half))
    for metric, values in wanted.items():
        numpy.testing.assert_allclose(found[metric], values, atol=2e-3, err_msg=metric)
