"""Weights alone cannot be had with another rule."""

from __future__ import annotations

import pytest

from attnviz import AttnvizError, Rule
from attnviz.analysis.versions import versions
from attnviz.choices import Comparison
from tests.support.weights_alone import alone, trace_of


@pytest.mark.parametrize("comparison", Comparison)
def test_nothing_can_be_compared_with_another_rule(comparison):
    trace = alone(trace_of(Rule()))
    with pytest.raises(AttnvizError, match="the weights with another rule cannot be shown"):
        versions(trace, trace.layers[0], comparison)
