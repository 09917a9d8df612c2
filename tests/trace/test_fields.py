"""The arrays and facts of a layer, moved, saved and read again."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from traces_of_all_kinds import (
    assert_same,
    cross_layer,
    full_trace,
    normal,
    parts,
    plain_trace,
    self_layer,
)

from attnviz.attention.arrays import to_numpy
from attnviz.attention.rule import Rule
from attnviz.choices import Position
from attnviz.errors import AttnvizError
from attnviz.sources.toy.toy import Toy
from attnviz.trace.fields import unpack_layer
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace, load

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


def test_a_saved_trace_comes_back_exactly(tmp_path):
    full_trace().save(tmp_path / "trace.safetensors")
    assert_same(load(tmp_path / "trace.safetensors"), full_trace())


def test_every_toy_trace_comes_back_exactly(tmp_path):
    saved = Toy(heads=2, position=Position.ALIBI).trace("Không có việc gì khó", Rule(causal=True))
    saved.save(tmp_path / "trace.safetensors")
    assert_same(load(tmp_path / "trace.safetensors"), saved)


@pytest.mark.parametrize(
    "options",
    [{"scale": numpy.float32(0.5)}, {"window": numpy.int64(2)}, {"softcap": numpy.float32(2), "causal": numpy.True_}],
)
def test_a_rule_of_numpy_numbers_can_be_saved(tmp_path, options):
    plain_trace(Rule(**options)).save(tmp_path / "trace.safetensors")
    loaded = load(tmp_path / "trace.safetensors").layers[0].rule
    assert {name: getattr(loaded, name) for name in options} == options


@pytest.mark.parametrize(("backend", "dtype"), [("numpy", "float32"), ("torch", "float64"), ("torch", "bfloat16")])
def test_a_whole_trace_moves_to_another_backend(backend, dtype):
    moved = full_trace().to(backend, "cpu", dtype).layers[0]
    floats = [value for value in parts(moved).values() if hasattr(value, "dtype") and value is not moved.rule.mask]
    assert len(floats) == 14
    assert {str(array.dtype).removeprefix("torch.") for array in floats} == {dtype}
    assert str(moved.rule.mask.dtype).removeprefix("torch.") == "bool"
    assert_allclose(
        to_numpy(moved.steps().output), self_layer().steps().output, atol=0.05 if dtype == "bfloat16" else 1e-6
    )


@pytest.mark.parametrize("shape", [(4,), (2, 4, 3), (2, 2)])
def test_a_bias_by_distance_has_a_number_for_each_distance(shape):
    layer = {"rule": {}, "index": 0, "name": "", "kind": "self"}
    arrays = {f"0.{name}": numpy.ones((2, 3, 2)) for name in ("query", "key", "value")}
    whole = unpack_layer(layer, "0.", arrays | {"0.rule.bias_by_distance": numpy.ones((2, 5))})
    assert whole.rule.bias.shape == (2, 3, 3)
    with pytest.raises((ValueError, AttnvizError)):
        unpack_layer(layer, "0.", arrays | {"0.rule.bias_by_distance": numpy.ones(shape)})


def test_ten_layers_keep_their_arrays_apart(tmp_path):
    """The prefix of layer 1 begins as those of the layers 10 and 11 do."""
    layers = [replace(cross_layer(), index=number, query=normal(1, 2, 3) + number) for number in range(12)]
    saved = Trace(("le", "chat"), tuple(layers))
    saved.save(tmp_path / "trace.safetensors")
    for number, layer in enumerate(load(tmp_path / "trace.safetensors").layers):
        assert layer.index == number
        assert_array_equal(layer.query, normal(1, 2, 3) + number)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_row_that_is_lowered_as_a_whole_stays_so_in_half_precision(backend):
    """−10⁹ is beyond float16: as −∞ it would hide the row."""
    array = numpy.ones((1, 2, 2), dtype=numpy.float32)
    layer = Layer(array, array, array, Rule(bias=numpy.full((2, 2), -1e9)))
    moved = Trace(("a", "b"), (layer,)).to(backend, dtype="float16").layers[0]
    assert to_numpy(moved.steps().weights).tolist() == [[[0.5, 0.5], [0.5, 0.5]]]
