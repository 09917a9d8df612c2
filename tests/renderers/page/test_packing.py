"""How a layer is held: rounded no further than 8 bits of a weight would be."""

from __future__ import annotations

import numpy
import pytest
from random_traces import random_trace

from attnviz import Layer, Trace
from attnviz.attention.toeplitz import spread
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
        Layer(*(one[name] for name in ("query", "key", "value"))).steps().weights
        for one in (vars(selected.layer), arrays)
    )
    assert numpy.abs(own - rounded).max() == pytest.approx(error, rel=1e-3)


def packed_rule(**rule):
    [selected] = select(random_trace(1, 2, 10, 4, **rule)).layers
    return pack_layer(selected, Form.EXACT).arrays


@pytest.mark.parametrize("shape", [(10, 10), (2, 10, 10), (1, 10), (10, 1)])
def test_a_mask_is_held_in_bits(shape):
    mask = numpy.random.default_rng(1).random(shape) < 0.5
    bits = numpy.unpackbits(packed_rule(mask=mask)["mask"], axis=-1, count=10, bitorder="little")
    assert (bits == numpy.broadcast_to(mask, (*shape[:-1], 10))).all()


def test_a_bias_by_distance_is_a_number_a_distance():
    by_distance = -numpy.abs(numpy.arange(-9.0, 10.0)) * numpy.array([[0.5], [0.25]])
    arrays = packed_rule(bias=spread(by_distance, 10))
    assert "bias" not in arrays
    assert (arrays["biasByDistance"] == by_distance).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
def test_a_bias_and_sinks_are_held_as_they_are(dtype):
    bias, sinks = numpy.arange(100).reshape(10, 10).astype(dtype), numpy.array([1, 2]).astype(dtype)
    arrays = packed_rule(bias=bias, sinks=sinks)
    assert (arrays["bias"] == bias).all()
    assert (arrays["sinks"] == sinks).all()
    assert arrays["bias"].dtype == ("float64" if dtype == "int64" else dtype)  # what the script reads


@pytest.mark.parametrize(("form", "dtype"), [(Form.SINGLE, "float32"), (Form.HALF, "float16")])
def test_numbers_are_rounded_to_the_form_and_never_widened(form, dtype):
    for own in ("float16", "float64"):
        [selected] = select(random_trace(1, 2, 10, 4, own)).layers
        assert pack_layer(selected, form).arrays["query"].dtype == ("float16" if own == "float16" else dtype)


def test_cells_that_a_finite_bias_hides_are_told_beside_the_mask():
    bias = numpy.zeros((10, 10))
    bias[3, 9] = -1e9
    arrays = packed_rule(bias=bias, mask=numpy.tri(10, dtype=bool))
    [bits] = numpy.unpackbits(arrays["lowered"], axis=-1, count=10, bitorder="little")
    assert numpy.argwhere(bits).tolist() == [[3, 9]]
    assert "lowered" not in packed_rule(bias=numpy.zeros((10, 10)))
