"""A layer with and without a part of its rule: each is what a toy made so would be."""

from __future__ import annotations

import numpy
import pytest

from attnviz import AttnvizError, Layer, Trace, trace_text
from attnviz.analysis.versions import versions
from attnviz.choices import Comparison

TEXT = "the cat sat on the mat"


def weights(layer):
    return numpy.asarray(layer.steps().weights)


def both(comparison, **toy):
    trace = trace_text(TEXT, **toy)
    return map(weights, versions(trace, trace.layers[0], comparison))


@pytest.mark.parametrize("causal", [True, False])
def test_causal(causal):
    having, lacking = both(Comparison.CAUSAL, heads=2, causal=causal)
    assert numpy.allclose(having, weights(trace_text(TEXT, heads=2, causal=True).layers[0]))
    assert numpy.allclose(lacking, weights(trace_text(TEXT, heads=2).layers[0]))


@pytest.mark.parametrize(("scale", "with_it"), [(None, None), (0.3, 0.3), (1.0, None)])
def test_scale(scale, with_it):
    having, lacking = both(Comparison.SCALE, scale=scale)
    assert numpy.allclose(having, weights(trace_text(TEXT, scale=with_it).layers[0]))
    assert numpy.allclose(lacking, weights(trace_text(TEXT, scale=1.0).layers[0]))


@pytest.mark.parametrize("position", ["sinusoidal", "rope", "alibi"])
@pytest.mark.parametrize("heads", [1, 2])
def test_position(position, heads):
    having, lacking = both(Comparison.POSITION, heads=heads, position=position, causal=True, dim=8)
    assert numpy.allclose(
        having, weights(trace_text(TEXT, heads=heads, position=position, causal=True, dim=8).layers[0])
    )
    assert numpy.allclose(lacking, weights(trace_text(TEXT, heads=heads, causal=True, dim=8).layers[0]))
    assert not numpy.allclose(having, lacking)


ARRAY = numpy.ones((1, 2, 1))
LONGER = Layer(ARRAY, numpy.ones((1, 3, 1)), numpy.ones((1, 3, 1)), key_tokens=("x", "y", "z"))


@pytest.mark.parametrize(
    ("trace", "comparison", "message"),
    [
        (Trace(("a", "b"), (LONGER,)), Comparison.CAUSAL, "2 queries look at 3 keys of another text"),
        (Trace(("a", "b"), (Layer(ARRAY, ARRAY, ARRAY),)), Comparison.SCALE, "d_k is 1"),
        (Trace(("a", "b"), (Layer(ARRAY, ARRAY, ARRAY),)), Comparison.POSITION, "only a toy"),
        (trace_text("a b"), Comparison.POSITION, "this toy has no positions"),
    ],
)
def test_what_cannot_be_compared_is_told(trace, comparison, message):
    with pytest.raises(AttnvizError, match=message) as error:
        versions(trace, trace.layers[0], comparison)
    assert error.value.hint
