"""A key's column of weights alone is that of the layer that made them."""

from __future__ import annotations

import numpy
import pytest

from attnviz.analysis.key_column import key_columns
from tests.support.weights_alone import RULES, alone, trace_of


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_column_of_a_key_is_the_same(rule):
    trace = trace_of(rule)
    for ours, theirs in zip(
        key_columns(alone(trace).layers[0], [1, 2], 4), key_columns(trace.layers[0], [1, 2], 4), strict=True
    ):
        numpy.testing.assert_allclose(ours.weights, theirs.weights, atol=1e-12)
        assert (ours.hidden == theirs.hidden).all()
