"""Weights alone cannot be had with another rule."""

from __future__ import annotations

import numpy
import pytest

from attnviz import AttnvizError, Layer, Rule, Trace
from attnviz.analysis.versions import versions
from attnviz.choices import Comparison
from tests.support.weights_alone import alone

RANDOM = numpy.random.default_rng(7)


def a_trace(rule):
    vectors = RANDOM.standard_normal((3, 30, 4))
    return Trace([f"w{place % 7}" for place in range(30)], (Layer(vectors, vectors, vectors, rule),))


@pytest.mark.parametrize("comparison", Comparison)
def test_nothing_can_be_compared_with_another_rule(comparison):
    trace = alone(a_trace(Rule()))
    with pytest.raises(AttnvizError, match="the weights with another rule cannot be shown"):
        versions(trace, trace.layers[0], comparison)
