"""Saved traces that say anything, in every command: a result, or one line and exit code 1."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy
import pytest
from command_line import Result, attnviz, problem
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save
from strategies import json_values

ROOT = Path(__file__).parents[1]
RECORD = {
    "tokens": ["a", "b"],
    "source": {
        "kind": "model",
        "model": "M",
        "agreement": {"largest_error": 1e-7, "checked_queries": 2, "errors": {"layer 0": 1e-7}},
        "unread": ["z"],
        "unseen": ["encoder"],
        "ids": [5, 6],
        "special": [0],
        "file": "own.npz",
        "seed": 1,
    },
    "layers": [
        {
            "index": 0,
            "name": "",
            "kind": "self",
            "tokens": None,
            "key_tokens": None,
            "rotary": False,
            "slopes": None,
            "rule": {"scale": 1.0, "causal": True, "query_offset": None, "window": None, "softcap": None},
        }
    ],
}
ARRAYS = {f"layers.0.{name}": numpy.eye(2)[None] for name in ("query", "key", "value")}
LOOKS = {
    "explain table": ("explain",),
    "explain query": ("explain", "--query=0", "--key=0"),
    "explain top": ("explain", "--top=1", "--skip-special"),
    "explain json": ("explain", "--format=json"),
    "explain csv": ("explain", "--format=csv"),
    "explain markdown": ("explain", "--format=markdown"),
    "explain saved": ("explain", "--format=safetensors", "-o=again.safetensors"),
    "heatmap term": ("heatmap", "--format=term"),
    "stats table": ("stats",),
    "stats json": ("stats", "--format=json"),
    "stats csv": ("stats", "--format=csv"),
    "html": ("html", "-o=-"),
}
DRAWN = {
    "heatmap png": ("heatmap", "--format=png", "--dpi=20", "-o=-"),
    "heatmap svg": ("heatmap", "--format=svg", "-o=-"),
    "stats png": ("stats", "--format=png", "--metric=entropy", "-o=-"),
}


def places(value: Any, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in ``value``, and one of a field that it lacks in each object."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    extra = [(*place, "later")] if isinstance(value, dict) else []
    return [place, *extra, *(found for name, one in items for found in places(one, (*place, name)))]


def trace_with(place: tuple[str | int, ...], value: Any, **arrays: numpy.ndarray) -> bytes:
    record: Any = {"": copy.deepcopy(RECORD)}
    owner = record
    for step in ("", *place)[:-1]:
        owner = owner[step]
    owner[("", *place)[-1]] = value
    return save(ARRAYS | arrays, {"attnviz": "1", "trace": json.dumps(record[""])})


def show(look: tuple[str, ...], content: bytes) -> Result:
    Path("t.safetensors").write_bytes(content)
    return attnviz(*look, "--from=t.safetensors")


def assert_a_result_or_one_line(result: Result) -> None:
    if result.code:
        assert "Traceback" not in problem(result, 1)


hard_values = json_values() | st.sampled_from(
    [10**30, -(10**30), 2**63, 2**53, -1, True, 1e300, -1e300, float("inf"), "abc", "\x1b[31m", "\ud800", "a\nb", {}]
)


@pytest.mark.parametrize("look", LOOKS)
@settings(max_examples=5)
@given(place=st.sampled_from(places(RECORD)), value=hard_values)
@pytest.mark.some(4)
def test_any_value_in_any_field(look, place, value):
    assert_a_result_or_one_line(show(LOOKS[look], trace_with(place, value)))


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
@settings(max_examples=100)
@given(place=st.sampled_from(places(RECORD)), value=hard_values)
def test_many_values_in_any_field(look, place, value):
    assert_a_result_or_one_line(show(LOOKS[look], trace_with(place, value)))


@pytest.mark.slow
@pytest.mark.parametrize("look", DRAWN)
@settings(max_examples=40)
@given(place=st.sampled_from(places(RECORD)), value=hard_values)
def test_any_value_in_any_field_of_a_picture(look, place, value):
    assert_a_result_or_one_line(show(DRAWN[look], trace_with(place, value)))


NAMES = [
    "rule.mask",
    "rule.bias",
    "rule.bias_by_distance",
    "rule.sinks",
    "embeddings",
    "positions",
    "projections.query.weight",
    "projections.key.weight",
    "projections.value.weight",
    "projections.output.weight",
    "projections.output.bias",
    "query",
]
some_arrays = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(
        st.lists(st.integers(0, 3), max_size=4),
        st.sampled_from(["<f8", "<f4", "<f2", "?", "<i8", "u1", "<u8"]),
        st.sampled_from([0.0, 1.0, -1e9, 1e4, numpy.inf, -numpy.inf, numpy.nan]),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
@settings(max_examples=120)
@given(arrays=some_arrays)
def test_arrays_of_any_shape_and_number(look, arrays):
    with numpy.errstate(all="ignore"):
        made = {
            f"layers.0.{name}": numpy.full(shape, value).astype(kind) for name, (shape, kind, value) in arrays.items()
        }
    assert_a_result_or_one_line(show(LOOKS[look], trace_with(("tokens",), ["a", "b"], **made)))


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("layers", 0, "index"), 10**30, f"layers[0]: a layer's index is {10**30}: expected a whole number from 0 to 999,999"),
        (("layers", 0, "index"), -1, "layers[0]: a layer's index is -1: expected a whole number from 0 to 999,999"),
        (("layers", 0, "index"), True, "layers[0].index is true, expected a whole number"),
        (("tokens",), "ab", 'tokens is "ab", expected a list of texts'),
        (("layers", 0, "rule", "window"), 0, "layers[0]: window is 0: a query must see at least 1 key"),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("look", ["explain table", "heatmap term", "stats table", "html"])
def test_a_damaged_trace_is_no_wrong_option(look, place, value, message):
    result = show(LOOKS[look], trace_with(place, value))
    assert problem(result, 1) == f"t.safetensors is a damaged trace: {message}"


@pytest.mark.parametrize("look", LOOKS)
def test_what_a_source_leaves_unread_may_be_anything(look):
    assert show(LOOKS[look], trace_with(("source", "unread"), 7)).code == 0


@pytest.mark.parametrize(
    ("look", "kind"),
    [(look, kind) for look in LOOKS for kind in (">f8", "longdouble")]
    + [pytest.param(look, ">f4", marks=pytest.mark.slow) for look in DRAWN],
)
@pytest.mark.some(8)
def test_arrays_of_another_machine_are_shown_as_those_of_this_one(look, kind):
    words, results = (LOOKS | DRAWN)[look], []
    for dtype in (kind, numpy.dtype(kind).newbyteorder("=") if kind != "longdouble" else "f8"):
        array = numpy.array([[1, 2], [3, 4]], dtype=dtype)
        numpy.savez("own.npz", query=array, key=array, value=array, bias=array, sinks=array[0, :1])
        results.append(attnviz(*words, "--from=own.npz"))
    assert results[0].code == 0
    assert results[0] == results[1]
