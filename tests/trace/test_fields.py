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
from attnviz.trace.direction import Direction
from attnviz.trace.fields import unpacked_layers
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace, load

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


def test_a_saved_trace_comes_back_exactly(tmp_path):
    full_trace().save(tmp_path / "trace.safetensors")
    assert_same(load(tmp_path / "trace.safetensors"), full_trace())


def test_how_queries_and_keys_were_turned_comes_back_exactly(tmp_path):
    made = Toy(heads=2, position=Position.ROPE).trace("Your journey starts", Rule())
    [layer] = made.layers
    turned = replace(layer, rotation=replace(layer.rotation, gain=0.5, halves=True))
    for one in (made, replace(made, layers=(turned,))):
        one.save(tmp_path / "trace.safetensors")
        [read] = load(tmp_path / "trace.safetensors").layers
        assert_array_equal(read.rotation.frequencies, one.layers[0].rotation.frequencies)
        assert (read.rotation.halves, read.rotation.gain) == (
            one.layers[0].rotation.halves,
            one.layers[0].rotation.gain,
        )


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


RECORD = {"rule": {}, "index": 0, "name": "", "kind": "self"}
ARRAYS = {f"layers.0.{name}": numpy.ones((2, 3, 2)) for name in ("query", "key", "value")}


def unpacked(record: dict[str, object], **arrays: numpy.ndarray) -> Layer:
    """The one layer of ``record``, its arrays and more of them, by their names without the layer."""
    more = {f"layers.0.{name.replace('__', '.')}": array for name, array in arrays.items()}
    (layer,) = unpacked_layers([record], ARRAYS | more)
    return layer


@pytest.mark.parametrize("shape", [(4,), (2, 4, 3), (2, 2)])
def test_a_bias_by_distance_has_a_number_for_each_distance(shape):
    assert unpacked(RECORD, rule__bias_by_distance=numpy.ones((2, 5))).rule.bias.shape == (2, 3, 3)
    with pytest.raises(AttnvizError, match=r"layers\[0\]: (its bias by distance|bias) has the shape"):
        unpacked(RECORD, rule__bias_by_distance=numpy.ones(shape))


def test_a_layer_without_its_arrays_says_which():
    with pytest.raises(AttnvizError, match=r"^layers\[1\]: it lacks query and key and value$"):
        list(unpacked_layers([RECORD, RECORD], ARRAYS))


def test_what_a_later_version_adds_to_a_layer_is_left_alone():
    layer = unpacked(RECORD | {"drawn": {"by": [1]}, "rule": {"spread": None}}, gates=numpy.ones(3))
    assert (layer.index, layer.kind) == (0, "self")


@pytest.mark.parametrize(
    ("rule", "arrays", "name"),
    [
        ({"spread": 3}, {}, "spread"),
        ({"mask": [[True]]}, {}, "mask"),
        ({}, {"rule__gates": numpy.ones(3)}, "gates"),
        ({}, {"rule__scale": numpy.ones(1)}, "scale"),
    ],
)
def test_a_rule_that_says_more_than_is_known_is_refused(rule, arrays, name):
    """Without it, the weights would be others."""
    with pytest.raises(AttnvizError, match=f"its rule has {name}, which this attnviz does not know") as error:
        unpacked(RECORD | {"rule": rule}, **arrays)
    assert error.value.hint == "update attnviz"


def test_all_arrays_are_gone_through_once_however_many_layers_there_are():
    """Once for each layer, a file of a hundred thousand would take hours."""

    class Counted(dict[str, numpy.ndarray]):
        looks = 0

        def items(self):
            self.looks += 1
            return super().items()

    one = numpy.ones((1, 1, 1))
    arrays = Counted({f"layers.{number}.{name}": one for number in range(99) for name in ("query", "key", "value")})
    assert len(list(unpacked_layers([RECORD] * 99, arrays))) == 99
    assert arrays.looks == 1


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


def test_a_direction_is_saved_and_moved_with_its_layer(tmp_path):
    one = Toy(2).trace("a b c", Rule())
    width = one.layers[0].projections["output"].weight.shape[1]
    toward = Direction("b", numpy.arange(width, dtype=float), numpy.array([1.0, 2.0, 3.0]))
    trace = Trace(one.tokens, (replace(one.layers[0], toward=toward),), one.source)
    trace.save(tmp_path / "a.safetensors")
    again = load(tmp_path / "a.safetensors").layers[0].toward
    moved = trace.to("torch").layers[0].toward
    for other in (again, moved):
        assert other.token == "b"
        assert_array_equal(to_numpy(other.vector), toward.vector)
        assert_array_equal(to_numpy(other.divisors), toward.divisors)
    assert isinstance(moved.vector, torch.Tensor)
