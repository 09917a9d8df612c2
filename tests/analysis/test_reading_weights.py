"""How far a head of weights alone moves."""

from __future__ import annotations

import numpy

from attnviz import Rule
from attnviz.analysis.reading import head_moves
from tests.support.weights_alone import alone, trace_of


def test_a_head_moves_as_much():
    trace = trace_of(Rule(causal=True))
    numpy.testing.assert_allclose(head_moves(alone(trace).layers[0]), head_moves(trace.layers[0]), atol=1e-12)
