"""What people hand over as arrays: taken whole, or refused in one line that says what to do."""

from __future__ import annotations

import sys

import array_api_strict
import ml_dtypes
import numpy
import pytest
import torch
from attention_arrays import normal
from numpy.testing import assert_array_equal

from attnviz import Layer, Projection, Rule, attend
from attnviz.attention.arrays import as_array
from attnviz.errors import AttnvizError

NUMBERS = normal(3, 2).astype(numpy.float32)
TENSOR = torch.from_numpy(NUMBERS.copy())
MASKED = numpy.ma.masked_array(NUMBERS, NUMBERS > 0)


class Elsewhere:
    """An array on another device, as CuPy and JAX on a GPU have them."""

    def __dlpack_device__(self):
        return (2, 0)

    def __dlpack__(self, **_):
        raise AssertionError("its memory was asked for")


class Unnamed:
    """An array whose type DLPack cannot name, as JAX's bfloat16."""

    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self, **_):
        raise BufferError("Unsupported dtype")

    def __array__(self, dtype=None, copy=None):
        return NUMBERS.astype(ml_dtypes.bfloat16)


class Untold:
    """An array without numbers, as a function sees it that is being compiled."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("traced array with shape (3, 2)\nand more about it")


@pytest.mark.parametrize("device", array_api_strict.__array_namespace_info__().devices(), ids=str)
def test_another_librarys_array_is_read_by_dlpack(device):
    """All but one of the strict library's devices refuse NumPy's own way of asking."""
    array = array_api_strict.asarray(NUMBERS, device=device)
    assert type(as_array(array, "key")) is numpy.ndarray
    assert_array_equal(as_array(array, "key"), NUMBERS)


def test_it_is_not_copied():
    array = array_api_strict.asarray(NUMBERS.copy())
    assert numpy.shares_memory(as_array(array, "key"), numpy.from_dlpack(array))


def test_what_dlpack_cannot_name_comes_as_its_library_converts_it():
    converted = as_array(Unnamed(), "key")
    assert converted.dtype == ml_dtypes.bfloat16
    assert_array_equal(converted, NUMBERS.astype(ml_dtypes.bfloat16))


def test_the_steps_of_another_librarys_arrays_are_numpys():
    whole = attend(NUMBERS, NUMBERS, NUMBERS, mask=NUMBERS @ NUMBERS.T > -1, bias=NUMBERS @ NUMBERS.T, sinks=[0.5])
    query, bias, sinks = map(array_api_strict.asarray, (NUMBERS, NUMBERS @ NUMBERS.T, [0.5]))
    mask = array_api_strict.asarray(NUMBERS @ NUMBERS.T > -1)
    for ours, expected in zip(attend(query, query, query, mask=mask, bias=bias, sinks=sinks), whole, strict=True):
        assert type(ours) is numpy.ndarray
        assert_array_equal(ours, expected)


def test_beside_torch_they_become_torchs():
    bias = NUMBERS @ NUMBERS.T
    steps = attend(TENSOR, TENSOR, TENSOR, bias=array_api_strict.asarray(bias))
    assert_array_equal(steps.weights, attend(TENSOR, TENSOR, TENSOR, bias=torch.from_numpy(bias)).weights)


WIDENED = {
    "float8": (NUMBERS.astype(ml_dtypes.float8_e4m3fn), numpy.float32),
    "float8 of torch": (TENSOR.to(torch.float8_e5m2), torch.float32),
    "int4": (NUMBERS.astype(ml_dtypes.int4), numpy.float32),
    "long double": (NUMBERS.astype(numpy.longdouble), numpy.float64),
    "big-endian": (NUMBERS.astype(">f4"), numpy.dtype("=f4")),
    "big-endian integers": (NUMBERS.astype(">i2"), numpy.dtype("=i2")),
    "matrix": (NUMBERS.view(numpy.matrix), numpy.float32),
    "read-only": (numpy.broadcast_to(NUMBERS[0], (3, 2)), numpy.float32),
    "negative view of torch": (torch.complex(TENSOR, TENSOR).conj().imag, torch.float32),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass is not the recommended way")
@pytest.mark.parametrize("name", WIDENED)
def test_what_changes_no_number_is_taken(name):
    given, dtype = WIDENED[name]
    taken = as_array(given, "key")
    assert taken.dtype == dtype
    assert_array_equal(
        numpy.asarray(taken), numpy.asarray(given.resolve_neg().float() if torch.is_tensor(given) else given)
    )
    layer = Layer(given, given, given)
    assert_array_equal(numpy.asarray(layer.query[0]), numpy.asarray(taken))
    assert numpy.isfinite(numpy.asarray(layer.steps().output)).all()


def test_a_long_double_beyond_float64_is_told_without_a_warning():
    huge = numpy.full((3, 2), numpy.longdouble(numpy.finfo(numpy.float64).max)) * 4
    if huge.dtype.itemsize == 8:
        pytest.skip("this machine has no wider numbers")  # long double is float64 on Windows and on Apple's processors
    with pytest.raises(AttnvizError, match="query is not finite: inf at token 0, dimension 0"):
        attend(huge, NUMBERS, NUMBERS)


@pytest.mark.parametrize(
    ("given", "words", "hint"),
    [
        (MASKED, "is a masked array, whose mask would be lost", "mask="),
        ([MASKED[0], NUMBERS[0]], "is a masked array", "mask="),
        ([[1.0, numpy.ma.masked]], "is a masked array", "mask="),
        ([TENSOR, TENSOR], "is a list of torch tensors", "torch.stack"),
        ([torch.nn.Parameter(TENSOR[0])], "is a list of torch tensors", "torch.stack"),
        (TENSOR.to_sparse(), "has the layout torch.sparse_coo", ".to_dense()"),
        (TENSOR.to("meta"), "is on the device meta", None),
        (TENSOR.to(torch.complex64), "holds complex64 values", None),
        (torch.nn.Linear(2, 2), "holds object values", None),
        (torch.float32, "holds object values", None),
        (Elsewhere(), "\\(Elsewhere\\) is not in the CPU's memory \\(DLPack device 2\\)", "move it to the CPU"),
        (Untold(), "\\(Untold\\) does not become a NumPy array: traced array with shape \\(3, 2\\)$", "outside of jit"),
        (array_api_strict.asarray([[1j]]), "holds complex128 values", None),
        (numpy.array([["a"]]), "holds str32 values", None),
        (numpy.zeros((2, 2), "M8[s]"), "holds datetime64", None),
        (1.0, "has the shape \\(\\)", None),
        (numpy.zeros((0, 2)), "is empty", None),
    ],
)
@pytest.mark.parametrize("name", ["query", "key", "value"])
def test_what_would_lose_something_is_refused_in_one_line(given, words, hint, name):
    others = TENSOR if torch.is_tensor(given) else NUMBERS
    arrays = {"query": others, "key": others, "value": others} | {name: given}
    with pytest.raises(AttnvizError, match=f"^{name} {words}") as error:
        attend(**arrays)
    assert (hint or "") in (error.value.hint or "")
    assert "\n" not in str(error.value)


@pytest.mark.filterwarnings("ignore:The PyTorch API of (nested|Masked)", "ignore:.*prototype", "ignore:.*quantize")
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: torch.nested.nested_tensor([TENSOR, TENSOR[:2]]), "is a nested tensor"),
        (lambda: torch.quantize_per_tensor(TENSOR, 0.1, 0, torch.qint8), "is quantized"),
        (lambda: torch.masked.masked_tensor(TENSOR, TENSOR > 0), "is a masked array"),
        (lambda: TENSOR.to_mkldnn(), "has the layout torch._mkldnn"),
    ],
)
def test_torchs_other_tensors_are_refused_in_one_line(make, words):
    given = make()
    with pytest.raises(AttnvizError, match=f"^query {words}"):
        attend(given, TENSOR, TENSOR)


@pytest.mark.parametrize("name", ["mask", "bias", "sinks"])
def test_so_are_those_of_a_rule(name):
    with pytest.raises(AttnvizError, match=f"^{name} is a masked array"):
        attend(NUMBERS, NUMBERS, NUMBERS, **{name: numpy.ma.masked_array(numpy.ones(1, bool), [True])})
    with pytest.raises(AttnvizError, match=f"^{name} is a masked array"):
        Layer(NUMBERS, NUMBERS, NUMBERS, Rule(**{name: numpy.ma.masked_array(numpy.ones(1, bool), [True])}))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Projection(MASKED),
        lambda: Projection(NUMBERS, MASKED[0]),
        lambda: Layer(NUMBERS, NUMBERS, NUMBERS, embeddings=MASKED),
        lambda: Layer(NUMBERS, NUMBERS, NUMBERS, positions=MASKED),
    ],
)
def test_so_are_those_of_a_layer(make):
    with pytest.raises(AttnvizError, match=r"^(weight|bias|embeddings|positions) is a masked array"):
        make()


def test_plain_arrays_and_lists_of_numbers_are_not_looked_at_twice(monkeypatch):
    """The module is not loaded where NumPy's own arrays are all there is."""
    monkeypatch.setitem(sys.modules, "attnviz.attention.given", None)
    assert as_array(NUMBERS, "key") is NUMBERS
    with pytest.raises(ImportError):
        as_array([[1.0]], "key")


@pytest.mark.skipif(numpy.dtype("longdouble").itemsize != 16, reason="long double has other bytes here")
def test_bytes_that_are_no_long_double_become_no_number():
    array = numpy.frombuffer(bytes([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]), "longdouble")
    with pytest.raises(AttnvizError, match="query is not finite: nan"):
        attend(array[None], NUMBERS[:1, :1], NUMBERS[:1, :1])
    assert numpy.isnan(as_array(array, "query")).all()
