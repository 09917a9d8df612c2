"""What attention refuses, each in one line that names what is wrong."""

from __future__ import annotations

import math
import re

import numpy
import pytest
import torch
from attention_arrays import KINDS, head, normal
from numpy.testing import assert_array_equal

from attnviz.attention.checks import (
    TOO_LARGE,
    bias_beside,
    finite_in,
    of_heads,
    require_one_kind,
    require_softcap_in,
    too_large,
)
from attnviz.attention.formula import Steps, attend
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import gathered, is_spread, spread
from attnviz.errors import AttnvizError
from attnviz.pooling.pool import pool_arrays


@KINDS
@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((3,), (3, 2), (3, 2)), [r"query has the shape \(3,\)", "expected"]),
        (((3, 2), (), (3, 2)), [r"key has the shape \(\)", "expected"]),
        (((3, 2), (3, 2), (1, 3, 2)), ["2, 2 and 3 axes"]),
        (((3, 2), (3, 4), (3, 2)), ["query has 2 dimensions but key has 4"]),
        (((3, 2), (5, 2), (4, 2)), ["key has 5 tokens but value has 4"]),
        (((4, 3, 2), (2, 3, 2), (4, 3, 2)), ["key has 2 heads but value has 4"]),
        (((4, 3, 2), (3, 3, 2), (3, 3, 2)), ["4 query heads", "3 key heads"]),
        (((2, 4, 3, 2), (3, 4, 3, 2), (3, 4, 3, 2)), ["different leading axes", r"\(2, 4, 3, 2\)"]),
        (((0, 2), (3, 2), (3, 2)), ["query is empty", r"\(0, 2\)"]),
        (((3, 2), (0, 2), (0, 2)), ["key is empty"]),
        (((3, 2), (3, 2), (3, 0)), ["value is empty"]),
        (((3, 0), (3, 0), (3, 2)), ["query is empty"]),
    ],
)
def test_shapes_that_do_not_fit(convert, shapes, words):
    with pytest.raises(AttnvizError, match=".*".join(words)):
        attend(*(convert(numpy.ones(shape)) for shape in shapes))


@KINDS
@pytest.mark.parametrize("bad", [numpy.nan, numpy.inf, -numpy.inf])
@pytest.mark.parametrize(
    ("name", "place", "words"),
    [
        ("query", (1, 0), "token 1, dimension 0"),
        ("key", (1, 2, 0), "head 1, token 2, dimension 0"),
        ("value", (1, 0, 2, 1), "batch 1, head 0, token 2, dimension 1"),
    ],
)
def test_a_number_that_is_not_finite_is_named_with_its_place(convert, bad, name, place, words):
    arrays = {each: numpy.ones((2, 2, 3, 2)[-len(place) :]) for each in ("query", "key", "value")}
    arrays[name][place] = bad
    with pytest.raises(AttnvizError, match=f"{name} is not finite: {bad} at {words}$"):
        attend(**{each: convert(array) for each, array in arrays.items()})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[1, 2], [3]], "key is ragged"),
        ([["a", "b"]], "key holds str"),
        (numpy.ones((3, 2), dtype=complex), "key holds complex128"),
        (torch.ones(3, 2, dtype=torch.complex64), "key holds complex"),
        (numpy.array([[None, 1]]), "key holds object"),
        (None, "key holds object"),
        (numpy.zeros((3, 2), dtype="M8[s]"), "key holds datetime64"),
    ],
)
def test_what_is_no_array_of_real_numbers(value, words):
    with pytest.raises(AttnvizError, match=words):
        attend(head(3, 2), value, head(3, 2))


def test_numpy_and_torch_are_not_mixed():
    with pytest.raises(AttnvizError, match=r"^query, key and value mix NumPy and torch: give all three in one kind$"):
        attend(torch.ones(3, 2), head(3, 2), torch.ones(3, 2))
    with pytest.raises(AttnvizError, match=r"^query and key mix NumPy and torch: give both in one kind$"):
        pool_arrays(head(1, 3, 2), torch.ones(1, 3, 2))
    require_one_kind(query=head(3, 2), key=head(3, 2))


@KINDS
@pytest.mark.parametrize("softcap", [1e-40, 1e39])
def test_a_cap_that_the_dtype_of_the_scores_cannot_hold(convert, softcap):
    array = convert(head(1, 3, 2).astype(numpy.float32))
    for compute in (lambda: attend(array, array, array, softcap=softcap), lambda: capped(array, softcap)):
        with pytest.raises(
            AttnvizError, match=f"softcap is {re.escape(str(softcap))}: .*float32 cannot hold"
        ) as raised:
            compute()
        assert raised.value.hint == "use float64"
    require_softcap_in(numpy.dtype("float64"), numpy, softcap)
    require_softcap_in(numpy.dtype("float16"), numpy, None)


def capped(array, softcap):
    return pool_arrays(array, array, Rule(softcap=softcap))


@KINDS
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mask": numpy.ones((3, 3))}, "mask holds .*float64 values: it must be boolean"),
        ({"mask": numpy.full((3, 3), 2, dtype=numpy.uint8)}, "mask holds .*uint8 values"),
        ({"mask": numpy.ones((3, 4), dtype=bool)}, r"mask has the shape \(3, 4\).*\(2, 3, 3\)"),
        ({"mask": numpy.ones((1, 2, 3, 3), dtype=bool)}, r"mask has the shape \(1, 2, 3, 3\)"),
        ({"bias": numpy.ones((3, 2, 3))}, r"bias has the shape \(3, 2, 3\).*\(2, 3, 3\)"),
        ({"bias": numpy.full((3, 3), numpy.nan)}, "bias holds NaN"),
        ({"bias": numpy.full((3, 3), numpy.inf)}, r"bias holds NaN or \+∞"),
        ({"sinks": numpy.zeros(3)}, r"sinks has the shape \(3,\): expected .*\(2,\)"),
        ({"sinks": numpy.zeros((2, 1))}, r"sinks has the shape \(2, 1\)"),
        ({"sinks": numpy.array([0, numpy.nan])}, "sinks holds a value that is not finite"),
        ({"sinks": numpy.array([0, -numpy.inf])}, "sinks holds a value that is not finite"),
        ({"scale": math.nan}, "scale is nan"),
        ({"scale": math.inf}, "scale is inf"),
        ({"window": 0}, "window is 0"),
        ({"window": -3}, "window is -3"),
        ({"softcap": 0.0}, "softcap is 0.0"),
        ({"softcap": -1.0}, "softcap is -1.0"),
        ({"softcap": math.nan}, "softcap is nan"),
        ({"softcap": math.inf}, "softcap is inf"),
    ],
)
def test_options_that_make_no_sense(convert, options, words):
    array = convert(head(2, 3, 2))
    options = {name: convert(value) if isinstance(value, numpy.ndarray) else value for name, value in options.items()}
    with pytest.raises(AttnvizError, match=words):
        attend(array, array, array, **options)


@pytest.mark.parametrize("name", ["mask", "bias", "sinks"])
def test_ragged_options_are_named(name):
    with pytest.raises(AttnvizError, match=f"{name} is ragged"):
        attend(head(3, 2), head(3, 2), head(3, 2), **{name: [[True], [False, True]]})


@KINDS
def test_a_mask_of_zeros_and_ones_is_one_of_booleans(convert):
    arrays = [convert(normal(4, 3)) for _ in range(3)]
    mask = numpy.tril(numpy.ones((4, 4), dtype=numpy.int64))
    for whole, boolean in zip(attend(*arrays, mask=mask), attend(*arrays, mask=mask == 1), strict=True):
        assert_array_equal(whole, boolean)


def test_sinks_are_one_logit_a_head():
    array = numpy.zeros((2, 3, 4))
    with pytest.raises(AttnvizError, match=r"sinks has the shape \(2, 3\): expected one logit per head, \(2,\)"):
        attend(array, array, array, sinks=numpy.zeros((2, 3)))


def test_one_head_may_come_without_its_axis():
    assert of_heads(normal(3, 2), "query").shape == (1, 3, 2)
    assert of_heads([[1, 2], [3, 4]], "query").shape == (1, 2, 2)
    assert of_heads(normal(4, 3, 2), "query").shape == (4, 3, 2)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3,), r"key has the shape \(3,\): expected \(heads, tokens, d\)"),
        ((2, 0, 3), "key is empty"),
        ((1, 2, 3, 4), "key has"),
    ],
)
def test_what_is_no_heads_is_refused(shape, words):
    with pytest.raises(AttnvizError, match=words):
        of_heads(numpy.ones(shape), "key")


def test_a_bias_by_distance_stays_one_beside_an_array_of_another_type():
    by_distance = spread(numpy.array([-1e300, -1.0, 0.0, -1.0, -numpy.inf]), 3)
    beside = bias_beside(numpy.ones(1, dtype=numpy.float32), by_distance)
    assert is_spread(beside)
    assert beside.dtype == numpy.float32
    assert gathered(beside).tolist() == [float(numpy.finfo(numpy.float32).min), -1.0, 0.0, -1.0, -math.inf]


def test_whole_numbers_are_finite_in_every_type():
    whole = numpy.array([[0, -5]])
    assert finite_in(whole, numpy.ones(1, dtype=numpy.float16)) is whole


def test_every_step_has_its_words_where_it_overflows():
    assert tuple(TOO_LARGE) == Steps._fields
    error = too_large("masked", numpy.dtype("float32"))
    assert str(error).startswith("the masked scores are too large for float32")
    assert error.hint == "scale the inputs down, or use float64"
    for double in (numpy.dtype("float64"), torch.float64):
        assert too_large("masked", double).hint == "scale the inputs down"


def test_float64_is_no_way_out_of_float64():
    with pytest.raises(AttnvizError, match="float64 cannot hold that number") as raised:
        require_softcap_in(numpy.dtype("float64"), numpy, 1e-320)
    assert raised.value.hint == ""
