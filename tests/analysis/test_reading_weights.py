"""How far a head of weights alone moves."""

from __future__ import annotations

import numpy

from attnviz import Layer, Rule, Trace
from attnviz.analysis.reading import head_moves
from tests.support.weights_alone import alone

RANDOM = numpy.random.default_rng(7)


def a_trace(rule):
    vectors = RANDOM.standard_normal((3, 30, 4))
    return Trace([f"w{place % 7}" for place in range(30)], (Layer(vectors, vectors, vectors, rule),))


def test_a_head_moves_as_much():
    trace = a_trace(Rule(causal=True))
    numpy.testing.assert_allclose(head_moves(alone(trace).layers[0]), head_moves(trace.layers[0]), atol=1e-12)
