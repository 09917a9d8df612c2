"""The fields of a file: their names, shapes and kinds."""

from __future__ import annotations

import numpy
import pytest
import torch
from array_files import SUFFIXES, normal, three, written
from numpy.testing import assert_allclose, assert_array_equal

from attnviz.attention.formula import attend
from attnviz.errors import AttnvizError
from attnviz.sources.files.qkv import read_trace

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


@SUFFIXES
@pytest.mark.parametrize("names", [("query", "key", "value"), ("q", "k", "v"), ("Q", "Key", "VALUE")])
def test_names_in_any_case_and_short(tmp_path, suffix, names):
    path = written(tmp_path / f"own{suffix}", dict(zip(names, three().values(), strict=True)))
    assert_array_equal(read_trace(path).layers[0].value, three()["value"])


@SUFFIXES
@pytest.mark.parametrize(
    ("shape", "expected"), [((4,), (1, 1, 4)), ((3, 4), (1, 3, 4)), ((2, 3, 4), (2, 3, 4)), ((1, 2, 3, 4), (2, 3, 4))]
)
def test_every_accepted_shape(tmp_path, suffix, shape, expected):
    path = written(tmp_path / f"own{suffix}", {name: normal(*shape) for name in "qkv"})
    assert read_trace(path).layers[0].query.shape == expected


@SUFFIXES
@pytest.mark.parametrize("name", ["query", "key", "value"])
@pytest.mark.parametrize("shape", [(), (2, 2, 3, 4), (1, 1, 2, 3, 4)])
def test_other_shapes_are_refused_by_name(tmp_path, suffix, name, shape):
    path = written(tmp_path / f"own{suffix}", three() | {name: normal(*shape)})
    with pytest.raises(AttnvizError, match=rf"own{suffix}: {name} has the shape .*, expected \(tokens, d\)"):
        read_trace(path)


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (1, 2, 3, 3), (1, 1, 3, 3)])
def test_masks_and_biases_of_every_accepted_shape(tmp_path, shape):
    path = written(tmp_path / "own.npz", three() | {"mask": normal(*shape) < 1, "bias": normal(*shape)})
    expected = attend(**three(), mask=(normal(*shape) < 1).reshape(shape[-3:]), bias=normal(*shape).reshape(shape[-3:]))
    assert_allclose(read_trace(path).layers[0].steps().weights, expected.weights)


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8", "int8", "uint16", "bool"])
def test_numbers_of_any_type_are_read(tmp_path, dtype):
    arrays = {name: (2 * array).clip(0).astype(dtype) for name, array in three().items()}
    steps = read_trace(written(tmp_path / "own.npz", arrays)).layers[0].steps()
    assert_allclose(steps.output, attend(*(array.astype("f8") for array in arrays.values())).output, rtol=1e-5)


def test_tokens_come_as_an_array_of_strings(tmp_path):
    path = written(tmp_path / "own.npz", three() | {"tokens": numpy.array(["a", "ế", "👩‍👧"])})
    assert read_trace(path).tokens == ("a", "ế", "👩‍👧")


@SUFFIXES
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"query": None}, "lacks query: it holds key, value"),
        ({"query": None, "value": None}, "lacks query, value: it holds key"),
        ({"Q": normal(2, 3, 2)}, "holds (query and Q|Q and query), which both mean query"),
        ({"value": normal(1, 4, 4)}, "key has 3 tokens but value has 4"),
        ({"key": normal(1, 3, 5)}, "query has 2 dimensions but key has 5"),
        ({"mask": numpy.ones((3, 3))}, "mask holds float64 values: it must be boolean"),
        ({"mask": numpy.ones((2, 3), dtype=bool)}, "mask has the shape"),
        ({"bias": numpy.full((3, 3), numpy.nan)}, "bias holds NaN"),
        ({"sinks": normal(5)}, "sinks has the shape"),
        ({"scale": numpy.nan}, "scale is nan"),
        ({"scale": [1.0, 2.0]}, "scale must be one number"),
        ({"window": 1.5}, "window must be one whole number"),
        ({"window": 0}, "window is 0"),
        ({"query_offset": numpy.inf}, "query_offset must be one whole number"),
        ({"query_offset": 1e30, "causal": True}, "query_offset"),
        ({"causal": 2}, "causal must be"),
        ({"causal": 0.5}, "causal must be"),
        ({"softcap": -1.0}, "softcap is -1"),
        ({"tokens": ["a", "b"]}, "2 tokens but query has 3"),
        ({"tokens": []}, "0 tokens but query has 3"),
        ({"key_tokens": ["a"]}, "1 token but key has 3"),
    ],
    ids=range(21),
)
def test_contents_that_do_not_fit(tmp_path, suffix, change, words):
    content = {name: value for name, value in (three() | change).items() if value is not None}
    with pytest.raises(AttnvizError, match=words):
        read_trace(written(tmp_path / f"own{suffix}", content))
