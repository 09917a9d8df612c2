from __future__ import annotations

import math
import sys

import array_api_compat.torch
import ml_dtypes
import numpy
import orjson
import pytest
import torch
from numpy.testing import assert_array_equal

from attnviz.attention.arrays import (
    as_array,
    as_floating,
    bfloat16_halves,
    like,
    namespace,
    to_backend,
    to_numpy,
    torch_device,
)
from attnviz.errors import AttnvizError, UsageError

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test

NUMBERS = numpy.array([[1.5, -2.0, 0.0], [3.25, 0.125, -1.0]])


def test_numpy_is_its_own_namespace():
    assert namespace(NUMBERS, 3, None) is numpy


@pytest.mark.parametrize("tensor", [torch.ones(2), torch.nn.Parameter(torch.ones(2))], ids=["tensor", "parameter"])
def test_one_tensor_among_arrays_makes_the_namespace_torch(tensor):
    assert namespace(NUMBERS, tensor) is array_api_compat.torch


@pytest.mark.parametrize("array", [torch.from_numpy(NUMBERS).bfloat16(), NUMBERS.astype(ml_dtypes.bfloat16)])
def test_bfloat16_becomes_float32_exactly(array):
    converted = to_numpy(array)
    assert converted.dtype == numpy.float32
    assert_array_equal(converted, NUMBERS)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64, torch.int64, torch.bool])
def test_to_numpy_keeps_what_numpy_knows(dtype):
    tensor = torch.from_numpy(NUMBERS).to(dtype)
    assert to_numpy(tensor).dtype.name == str(dtype).removeprefix("torch.")
    assert_array_equal(to_numpy(tensor), tensor.tolist())


def test_a_tensor_that_needs_gradients_comes_to_numpy():
    assert_array_equal(to_numpy(torch.from_numpy(NUMBERS).requires_grad_()), NUMBERS)


@pytest.mark.parametrize(
    "array",
    [
        NUMBERS,
        NUMBERS.T,
        NUMBERS[:, ::-1],
        NUMBERS.astype(numpy.float16),
        NUMBERS > 0,
        numpy.arange(6, dtype=numpy.uint16),
        NUMBERS.astype(">f8"),
        numpy.broadcast_to(NUMBERS[0], (2, 3)),
    ],
    ids=["float64", "transposed", "reversed", "float16", "bool", "uint16", "big-endian", "broadcast"],
)
def test_torch_and_back_changes_no_number(array):
    assert_array_equal(to_backend(to_backend(array, "torch"), "numpy"), array)


def test_a_read_only_array_goes_to_torch_without_a_warning():
    array = NUMBERS.copy()
    array.flags.writeable = False
    assert_array_equal(to_backend(array, "torch"), NUMBERS)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_backend_takes_a_dtype_but_leaves_booleans(backend, dtype):
    assert str(to_backend(NUMBERS, backend, dtype=dtype).dtype).removeprefix("torch.") == dtype
    assert str(to_backend(NUMBERS > 0, backend, dtype=dtype).dtype).removeprefix("torch.") == "bool"


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_number_too_large_for_the_dtype_brings_no_warning(backend):
    assert to_backend(numpy.array([1e6]), backend, dtype="float16").tolist() == [math.inf]


def test_torch_takes_bfloat16():
    assert to_backend(NUMBERS, "torch", dtype="bfloat16").dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("options", "words"),
    [({"device": "cuda"}, "NumPy computes on the cpu, not on cuda"), ({"dtype": "bfloat16"}, "NumPy has no bfloat16")],
)
def test_what_only_torch_has_names_torch(options, words):
    with pytest.raises(UsageError, match=words) as error:
        to_backend(NUMBERS, "numpy", **options)
    assert error.value.hint == "add --backend torch"


@pytest.mark.parametrize("device", ["nonsense", "cuda:99", "meta:x"])
def test_a_device_that_torch_lacks_is_named(device):
    with pytest.raises(AttnvizError, match=f"torch cannot use the device {device}"):
        to_backend(NUMBERS, "torch", device)


@pytest.mark.parametrize("device", [None, "auto", "cpu"])
def test_torch_computes_on_what_the_machine_has(device):
    assert_array_equal(to_backend(NUMBERS, "torch", device).cpu(), NUMBERS)


@pytest.mark.parametrize("missing", ["torch", "array_api_compat.torch"])
@pytest.mark.parametrize("use", [lambda: to_backend(NUMBERS, "torch"), lambda: namespace(torch.ones(2))])
def test_without_torch_the_error_says_what_to_install(monkeypatch, missing, use):
    monkeypatch.setitem(sys.modules, "array_api_compat.torch", None)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(AttnvizError, match="needs torch, which is not installed") as error:
        use()
    assert "attnviz[torch]" in error.value.hint


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[1, 2], [3]], "key is ragged"),
        ([1, [2]], "key is ragged"),
        ("text", "key holds str"),
        (None, "key holds object"),
        ({"a": 1}, "key holds object"),
        ([10**30], "key holds object"),
        ([1j], "key holds complex"),
        (torch.tensor([1j]), "key holds complex"),
        (numpy.zeros(2, dtype="V4"), "key holds void"),
    ],
)
def test_what_is_not_numbers_is_refused_by_name(value, words):
    with pytest.raises(AttnvizError, match=words):
        as_array(value, "key")


@pytest.mark.parametrize("kind", [">f8", "<f8", ">f4", ">i2", ">u8", ">f2", "g"])
def test_numbers_of_another_machine_become_those_of_this_one(kind):
    """JSON and torch take neither another byte order nor more than 64 bits."""
    numbers = abs(NUMBERS).astype(int)
    array = as_array(numbers.astype(kind), "key")
    assert array.dtype.isnative
    assert array.dtype.itemsize <= 8
    assert_array_equal(array, numbers)
    assert orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)


def test_a_number_beyond_float64_becomes_infinite_without_a_warning():
    assert as_array(numpy.full(1, numpy.longdouble("1e4000")), "key").tolist() == [math.inf]


def test_what_is_of_this_machine_is_not_copied():
    assert as_array(NUMBERS, "key") is NUMBERS


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("float16", "float32"), ("float32", "float32"), ("float64", "float64"), ("int32", "float64"), ("bool", "float64")],
)
def test_numbers_are_computed_in_float32_or_better(dtype, expected):
    array = NUMBERS.astype(dtype)
    assert as_floating(array, "key").dtype == expected
    assert str(as_floating(torch.from_numpy(array), "key").dtype) == f"torch.{expected}"


@pytest.mark.parametrize(
    "value", [NUMBERS, torch.from_numpy(NUMBERS), NUMBERS.tolist()], ids=["numpy", "torch", "list"]
)
@pytest.mark.parametrize("array", [NUMBERS.astype("f4"), torch.ones(1)], ids=["numpy", "torch"])
def test_like_takes_library_and_dtype_of_the_other(array, value):
    converted = like(array, value)
    assert type(converted) is type(array)
    assert converted.dtype == array.dtype
    assert_array_equal(converted, NUMBERS)


def test_like_keeps_gradients():
    tensor = torch.from_numpy(NUMBERS).requires_grad_()
    like(torch.ones(1), tensor).sum().backward()
    assert_array_equal(tensor.grad, 1)


@pytest.mark.parametrize("kind", ["torch", "ml_dtypes"])
def test_the_halves_of_bfloat16_are_its_bits(kind):
    numbers = NUMBERS.astype(numpy.float32)
    made = torch.from_numpy(numbers).bfloat16() if kind == "torch" else numbers.astype(ml_dtypes.bfloat16)
    halves = bfloat16_halves(made)
    assert halves.dtype == numpy.uint16
    assert_array_equal(
        (halves.astype(numpy.uint32) << 16).view(numpy.float32), numbers
    )  # these numbers are exact in it
    assert bfloat16_halves(numbers) is None


@pytest.mark.parametrize(("asked", "there"), [(None, "cpu"), ("cpu", "cpu")])
def test_the_device_that_is_meant(asked, there):
    assert torch_device(asked) == there


def test_the_fastest_device_is_one_that_torch_has():
    assert torch_device("auto").partition(":")[0] in ("cpu", "cuda", "mps")


@pytest.mark.parametrize("device", ["meta", "nonsense"])
def test_a_device_that_holds_no_numbers_is_refused(device):
    with pytest.raises(AttnvizError, match=f"torch cannot use the device {device}"):
        to_backend(NUMBERS, "torch", device)


def test_an_unknown_device_is_named_before_anything_is_moved():
    with pytest.raises(AttnvizError, match="torch cannot use the device nonsense"):
        torch_device("nonsense")


def test_apples_gpus_take_what_they_have(monkeypatch):
    """They have no float64; where there is none of them, torch says so."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    if sys.platform == "darwin":
        pytest.skip("there may be one here")  # then torch refuses nothing; CI runs on Linux, where there is none
    with pytest.raises(AttnvizError, match="torch cannot use the device"):
        to_backend(NUMBERS, "torch", "auto")
