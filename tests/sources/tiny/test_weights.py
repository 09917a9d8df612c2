"""The tiny model's trained numbers and their file."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy
import pytest
from safetensors.numpy import load_file, save_file
from tiny_weights import drawn_weights

from attnviz.errors import AttnvizError
from attnviz.sources.tiny.weights import ARRAYS, MATRICES, SHIPPED, read_weights, shipped_weights, write_weights
from attnviz.sources.tiny.words import VOCABULARY


def same(one, other):
    pairs = [(vars(one)[name], vars(other)[name]) for name in ARRAYS]
    for mine, others in zip(one.layers, other.layers, strict=True):
        pairs += [(vars(mine)[name], vars(others)[name]) for name in (*MATRICES, "bias")]
    return all(numpy.array_equal(left, right) for left, right in pairs)


def test_what_was_written_is_read(tmp_path):
    weights = drawn_weights()
    write_weights(tmp_path / "a.safetensors", weights)
    read = read_weights(tmp_path / "a.safetensors")
    assert same(read, weights)
    assert read.words == weights.words
    assert read.facts == {"seed": "0"}
    assert read.own.dtype == "float32"


def test_the_file_is_one_that_others_read_and_half_as_large_as_its_numbers(tmp_path):
    weights = drawn_weights()
    write_weights(tmp_path / "a.safetensors", weights)
    arrays = load_file(tmp_path / "a.safetensors")
    assert {array.dtype for array in arrays.values()} == {numpy.dtype("float16")}
    assert numpy.array_equal(arrays["layers.1.bias"], weights.layers[1].bias)
    assert len(arrays) == len(ARRAYS) + 2 * 5


def test_the_same_weights_make_the_same_file(tmp_path):
    for name in "ab":
        write_weights(tmp_path / name, drawn_weights())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_another_type_has_the_same_numbers():
    weights = drawn_weights()
    wide = weights.astype("float64")
    assert wide.layers[0].bias.dtype == wide.own.dtype == "float64"
    assert same(wide, weights)


@pytest.mark.parametrize("name", ["own", "offset", "layers.0.query", "layers.1.bias"])
def test_a_file_that_lacks_an_array_is_refused(tmp_path, name):
    path = tmp_path / "a.safetensors"
    write_weights(path, drawn_weights())
    arrays = load_file(path)
    del arrays[name]
    save_file(arrays, path, {"words": " ".join(VOCABULARY)})
    with pytest.raises(AttnvizError, match=f"has no {name}"):
        read_weights(path)


def test_a_file_of_something_else_is_refused(tmp_path):
    save_file({"a": numpy.zeros(3)}, tmp_path / "a.safetensors")
    with pytest.raises(AttnvizError, match="has no words") as error:
        read_weights(tmp_path / "a.safetensors")
    assert "attnviz.sources.tiny.train" in error.value.hint


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("own", numpy.zeros((3, 12))),
        ("spelling", numpy.zeros((3, 12))),
        ("unembedding", numpy.zeros((12, 3))),
        ("positions", numpy.zeros((40, 3))),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, name, array):
    write_weights(tmp_path / "a.safetensors", replace(drawn_weights(), **{name: array}))
    with pytest.raises(AttnvizError, match=f"{name} has the shape"):
        read_weights(tmp_path / "a.safetensors")


@pytest.mark.parametrize("name", ["own", "positions", "layers.0.bias"])
@pytest.mark.parametrize(
    ("array", "message"),
    [
        (numpy.array(1.0, "float16"), "expected rows of numbers"),
        (numpy.zeros((0, 33), "float16"), "expected rows of numbers"),
        (numpy.zeros((4, 0), "float16"), "expected rows of numbers"),
        (numpy.full((4, 33), numpy.nan, "float16"), "is not finite everywhere"),
    ],
)
def test_what_no_run_can_be_computed_from_is_refused(tmp_path, name, array, message):
    path = tmp_path / "a.safetensors"
    write_weights(path, drawn_weights())
    save_file(load_file(path) | {name: array}, path, {"words": " ".join(VOCABULARY)})
    with pytest.raises(AttnvizError, match=f"{name} .*{message}"):
        read_weights(path)


@pytest.mark.parametrize("name", ["layers.x.query", "layers.", "layers.-1.query", "layers.²"])
def test_a_name_that_is_no_layers_is_no_layer(tmp_path, name):
    path = tmp_path / "a.safetensors"
    write_weights(path, drawn_weights())
    save_file(load_file(path) | {name: numpy.zeros((2, 2))}, path, {"words": " ".join(VOCABULARY)})
    assert same(read_weights(path), drawn_weights())


def test_heads_that_do_not_divide_the_width_are_refused(tmp_path):
    write_weights(tmp_path / "a.safetensors", drawn_weights(heads=5))
    with pytest.raises(AttnvizError, match="12 columns do not divide into heads"):
        read_weights(tmp_path / "a.safetensors")


def test_a_layer_whose_matrix_does_not_fit_is_refused(tmp_path):
    weights = drawn_weights()
    odd = replace(weights.layers[1], key=numpy.zeros((12, 6)))
    write_weights(tmp_path / "a.safetensors", replace(weights, layers=(weights.layers[0], odd)))
    with pytest.raises(AttnvizError, match=r"layers\.1\.key has the shape"):
        read_weights(tmp_path / "a.safetensors")


def test_the_file_in_the_package_is_small_read_once_and_of_this_vocabulary():
    assert os.path.getsize(SHIPPED) <= 450_000
    weights = shipped_weights()
    assert weights is shipped_weights()
    assert weights.words == VOCABULARY
    assert len(weights.positions) >= 128
    assert weights.facts["seed"].isdigit()
