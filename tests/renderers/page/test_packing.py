"""How some heads are held, and how far what is computed from them is off."""

from __future__ import annotations

import numpy
import pytest
from random_traces import random_trace

from attnviz.attention.toeplitz import spread
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.packing import Part, pack_part, pack_parts
from attnviz.renderers.page.short import shortened
from attnviz.trace.selection import select


def test_the_error_of_rounded_numbers_is_measured():
    [selected] = select(random_trace(1, 4, 600, 16, window=9, sinks=numpy.ones(4))).layers
    packed = pack_part(Part(selected._replace(heads=(3, 1)), Form.SHORT))
    assert packed.errors is not None
    assert 1e-6 < packed.error == packed.errors.weights < 1e-3
    assert pack_part(Part(selected, Form.EXACT))[1:] == (0.0, None)


def test_numbers_in_sixteen_bits_are_held_with_both_ends():
    [selected] = select(random_trace(1, 2, 30, 4)).layers
    arrays = pack_part(Part(selected, Form.SHORT)).arrays
    short = shortened(selected.layer.key)
    assert (arrays["key"] == short.levels).all()
    assert (arrays["keyEnds"] == numpy.stack([short.low[:, 0], short.step[:, 0]])).all()


def test_several_parts_are_packed_each_in_its_form():
    [selected] = select(random_trace(1, 3, 10, 4)).layers
    parts = [Part(selected._replace(heads=(1,)), Form.SHORT), Part(selected._replace(heads=(0, 2)), Form.WEIGHTS)]
    first, second = pack_parts(parts)
    assert first.arrays["query"].shape == (1, 10, 4)
    assert second.arrays["levels"].shape == (2, 10, 10)


def packed_rule(**rule):
    [selected] = select(random_trace(1, 2, 10, 4, **rule)).layers
    return pack_part(Part(selected, Form.EXACT)).arrays


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


@pytest.mark.parametrize("own", ["float16", "float64"])
def test_numbers_are_rounded_to_single_precision_and_never_widened(own):
    [selected] = select(random_trace(1, 2, 10, 4, own)).layers
    packed = pack_part(Part(selected, Form.SINGLE))
    assert packed.arrays["query"].dtype == ("float16" if own == "float16" else "float32")
    assert (packed.errors is None) == (own == "float16")


def test_cells_that_a_finite_bias_hides_are_told_beside_the_mask():
    bias = numpy.zeros((10, 10))
    bias[3, 9] = -1e9
    arrays = packed_rule(bias=bias, mask=numpy.tri(10, dtype=bool))
    [bits] = numpy.unpackbits(arrays["lowered"], axis=-1, count=10, bitorder="little")
    assert numpy.argwhere(bits).tolist() == [[3, 9]]
    assert "lowered" not in packed_rule(bias=numpy.zeros((10, 10)))
