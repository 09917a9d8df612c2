"""What is measured of weights alone is what is measured of the layer that made them."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, trace_text
from attnviz.analysis.measure import head_metrics, measure_heads
from tests.support.weights_alone import RULES, alone, trace_of


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("keys", [None, range(4, 25)])
@pytest.mark.some(3)
def test_every_metric_is_the_same(rule, keys):
    trace = trace_of(rule)
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
