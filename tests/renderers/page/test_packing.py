"""How a layer is held: rounded no further than 8 bits of a weight would be."""

from __future__ import annotations

import numpy
import pytest
from random_traces import random_trace

from attnviz import Layer, Trace
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.levels import LEVELS
from attnviz.renderers.page.packing import pack_layer, pack_layers
from attnviz.trace.selection import select


def test_the_error_of_half_precision_is_measured():
    [selected] = select(random_trace(1, 4, 600, 16, window=9, sinks=numpy.ones(4))).layers
    _, error = pack_layer(selected._replace(heads=(3, 1)), Form.HALF)
    assert 1e-6 < error < 1e-2


def test_numbers_that_rounding_would_falsify_are_given_as_weights():
    """Scores so large that a rounded query means another weight: 8 bits of the weight itself are nearer."""
    draw = numpy.random.default_rng(0)
    arrays = (20 * draw.standard_normal((12, 64, 64)).astype("float32") for _ in range(3))
    [selected] = select(Trace(tuple(map(str, range(64))), (Layer(*arrays),))).layers
    assert pack_layer(selected, Form.HALF).error > 0.02
    packed = pack_layers([selected] * 12)
    assert (packed.form, packed.error <= 0.5 / LEVELS * 1.001) == (Form.WEIGHTS, True)


@pytest.mark.parametrize("place", [3, 700, 1199])
def test_the_error_is_that_of_every_query(place):
    [selected] = select(random_trace(1, 1, 1200, 16)).layers
    selected.layer.query[0, place] *= 8
    arrays, error = pack_layer(selected, Form.HALF)
    own, rounded = (
        Layer(*(one[name].astype(float) for name in ("query", "key", "value"))).steps().weights
        for one in (vars(selected.layer), arrays)
    )
    assert numpy.abs(own - rounded).max() == pytest.approx(error, rel=1e-9)
