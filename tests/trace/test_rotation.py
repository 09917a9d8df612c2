"""A rotary embedding as it is recorded: complex numbers are its oracle."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from attnviz import Layer, Trace, load
from attnviz.errors import AttnvizError
from attnviz.trace.rotation import Rotation

FREQUENCIES = numpy.array([1.0, 0.25, 0.01])


@given(halves=st.booleans(), gain=st.sampled_from([1.0, 1.5]), rest=st.integers(0, 3), seed=st.integers(0, 9))
def test_each_pair_is_a_complex_number_that_is_turned(halves, gain, rest, seed):
    rotation = Rotation(FREQUENCIES, halves, gain)
    array = numpy.random.default_rng(seed).standard_normal((2, 5, 6 + rest))
    turned = rotation.turned(array)
    for pair, (first, second) in enumerate(rotation.pairs):
        for token in range(5):
            before = array[:, token, first] + 1j * array[:, token, second]
            after = gain * before * numpy.exp(1j * token * FREQUENCIES[pair])
            assert_allclose(turned[:, token, first] + 1j * turned[:, token, second], after, atol=1e-12)
    assert_array_equal(turned[..., 6:], array[..., 6:])  # what is in no pair stays
    assert_allclose(rotation.turned_back(turned), array, atol=1e-12)
    assert_allclose(rotation.turned(array[:, [1, 4]], [1, 4]), turned[:, [1, 4]], atol=1e-12)


@pytest.mark.parametrize("halves", [True, False])
def test_it_is_what_transformers_does(halves):
    torch = pytest.importorskip("torch")
    from transformers.models.cohere import modeling_cohere
    from transformers.models.llama import modeling_llama

    module = modeling_llama if halves else modeling_cohere
    array = torch.randn(1, 2, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    angles = torch.arange(7)[:, None] * torch.tensor(FREQUENCIES)
    angles = torch.cat([angles, angles], dim=-1) if halves else angles.repeat_interleave(2, dim=-1)
    query, key = module.apply_rotary_pos_emb(array, 2 * array, angles.cos()[None], angles.sin()[None])
    rotation = Rotation(FREQUENCIES, halves)
    assert_allclose(rotation.turned(array[0]), query[0], atol=1e-6)  # Cohere computes it in float32
    assert_allclose(rotation.turned_back(key[0]), 2 * array[0], atol=1e-6)


def test_the_pairs_are_neighbours_or_a_half_apart():
    assert Rotation(FREQUENCIES).pairs == [(0, 1), (2, 3), (4, 5)]
    assert Rotation(FREQUENCIES, halves=True).pairs == [(0, 3), (1, 4), (2, 5)]


def test_the_angle_of_a_token_is_its_position_times_the_frequency():
    assert_array_equal(Rotation(FREQUENCIES).angles(range(3)), [[0, 0, 0], [1, 0.25, 0.01], [2, 0.5, 0.02]])


@pytest.mark.parametrize(
    ("frequencies", "gain", "message"),
    [
        ([[1.0]], 1.0, r"the frequencies of a rotation have the shape \(1, 1\), expected \(pairs,\)"),
        ([], 1.0, "the frequencies of a rotation have the shape"),
        ([float("nan")], 1.0, "the frequencies of a rotation"),
        ([1.0], 0.0, "the gain of a rotation is 0.0: it must be a number above 0"),
        ([1.0], float("inf"), "the gain of a rotation is inf"),
    ],
)
def test_what_is_no_rotation_is_refused(frequencies, gain, message):
    with pytest.raises(AttnvizError, match=message):
        Rotation(numpy.array(frequencies), gain=gain)


def test_a_layer_has_numbers_for_every_pair():
    array = numpy.zeros((1, 2, 5))
    with pytest.raises(AttnvizError, match="the rotation turns 3 pairs, but d_k is 5"):
        Layer(array, array, array, rotation=Rotation(FREQUENCIES))


@pytest.mark.parametrize("rotation", [Rotation(FREQUENCIES), Rotation(FREQUENCIES[:2], halves=True, gain=1.25), None])
def test_a_saved_trace_holds_it(tmp_path, rotation):
    array = numpy.zeros((1, 2, 6))
    trace = Trace(("a", "b"), (Layer(array, array, array, rotary=True, rotation=rotation),))
    trace.save(tmp_path / "t.safetensors")
    read = load(tmp_path / "t.safetensors").layers[0].rotation
    if rotation is None:
        assert read is None
    else:
        assert_array_equal(read.frequencies, rotation.frequencies)
        assert (read.halves, read.gain) == (rotation.halves, rotation.gain)


def test_it_stays_with_a_trace_of_tensors():
    array = numpy.zeros((1, 2, 6))
    trace = Trace(("a", "b"), (Layer(array, array, array, rotation=Rotation(FREQUENCIES)),)).to("torch")
    assert_array_equal(trace.layers[0].rotation.frequencies, FREQUENCIES)
    assert_array_equal(trace.layers[0].rotation.turned(trace.layers[0].query), array)
