"""The numbers as JSON: exactly, on one line."""

from __future__ import annotations

import json

import numpy
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz import Layer, Trace, trace_text
from attnviz.choices import Step
from attnviz.errors import AttnvizError
from attnviz.renderers.data import json_format
from attnviz.renderers.data.json_format import to_json
from attnviz.renderers.data.records import record
from attnviz.trace.selection import select
from tests.support.records import numbers, parsed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_written_with_the_fewest_digits_that_give_them_back(make, dtype):
    trace = make(dtype=dtype)
    words = json.loads(b"".join(to_json(trace, select(trace))), parse_float=str)["layers"][0]["heads"][0]["query"]
    for listed, values in zip(words, trace.layers[0].query[0], strict=True):
        assert [len(word) for word in listed] == [len(str(value)) for value in values]
        assert [numpy.dtype(dtype).type(word) for word in listed] == list(values)


def test_a_hidden_cell_is_null_and_its_weight_is_zero(traces):
    (head,) = parsed(traces["causal"]())["layers"][0]["heads"]
    assert head["masked"][0][1:] == [None] * 5
    assert head["weights"][0] == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert None not in head["scores"][0]


def test_it_is_one_line(trace):
    text = b"".join(to_json(trace, select(trace)))
    assert text.count(b"\n") == 1
    assert text.endswith(b"}\n")


@given(token=st.text(max_size=8))
@settings(deadline=None)
def test_any_token_comes_back_from_json(token):
    trace = Trace((token,), (Layer([[1.0]], [[1.0]], [[1.0]]),))
    assert parsed(trace)["tokens"] == list(trace.tokens)


def test_arrays_that_are_not_contiguous_are_written_all_the_same():
    array = numpy.arange(12.0).reshape(3, 4).T[:, ::-1]
    data = parsed(Trace(("a", "b", "c", "d"), (Layer(array, array, array),)))
    assert (numbers(data["layers"][0]["heads"][0]["query"]) == array).all()


def test_half_precision_is_written_as_it_is(make):
    trace = make(dtype="float16")
    listed = parsed(trace)["layers"][0]["heads"][0]["query"]
    assert (numbers(listed, "float16") == trace.layers[0].query[0]).all()


def test_what_is_no_array_is_no_part_of_a_record():
    with pytest.raises(TypeError, match="set in a record"):
        json_format._listed({1})


def test_maps_that_are_too_many_are_refused_before_they_are_computed():
    array = numpy.zeros((1, 1, 2), numpy.float32)
    long = numpy.broadcast_to(array, (1, 10**7, 2))
    trace = Trace(tuple(map(str, range(2))), (Layer(long, long, long, tokens=("a",) * 10**7),))
    with pytest.raises(AttnvizError, match="JSON of 1 steps of"):
        to_json(trace, select(trace, step=[Step.WEIGHTS]))


def long_trace(heads: int = 2, count: int = 260) -> Trace:
    """More pairs than are written in one piece, with hidden cells, projections and a bias."""
    return trace_text(" ".join(f"w{place % 9}" for place in range(count)), heads, causal=True, project=True)


def test_a_long_trace_comes_in_pieces_that_are_together_what_orjson_writes_at_once():
    trace = long_trace()
    selection = select(trace)
    pieces = list(to_json(trace, selection))
    whole = orjson.dumps(record(trace, selection), default=json_format._listed, option=orjson.OPT_SERIALIZE_NUMPY)
    assert b"".join(pieces) == whole + b"\n"
    assert len(pieces) > 20
    assert max(map(len, pieces)) < len(whole) / 20


@pytest.mark.parametrize(
    "value",
    [{}, [], [{}], {"a": []}, {"a": [{"b": 1}, {"c": None}], "d": ("e", "ế")}, [{"a": numpy.eye(3)[:, ::-1]}]],
    ids=repr,
)
def test_pieces_are_the_json_of_every_shape(value, monkeypatch):
    monkeypatch.setattr(json_format, "NUMBERS", 2)
    assert b"".join(json_format._pieces(value)) == json_format._dumped(value)


@pytest.mark.parametrize("shape", [(5, 3), (1, 7), (7, 1), (2, 0), (0, 2), (3, 4, 2)])
@pytest.mark.parametrize("numbers", [1, 4, 100])
def test_an_array_in_pieces_has_every_row_once(monkeypatch, shape, numbers):
    monkeypatch.setattr(json_format, "NUMBERS", numbers)
    array = numpy.arange(numpy.prod(shape), dtype=float).reshape(shape)
    assert json.loads(b"".join(json_format._pieces(array))) == array.tolist()


def test_what_fails_has_written_no_piece(monkeypatch):
    def fail(*_):
        raise AttnvizError("no")

    monkeypatch.setattr(json_format, "record", fail)
    trace = long_trace(1)
    with pytest.raises(AttnvizError, match="no"):
        to_json(trace, select(trace))
