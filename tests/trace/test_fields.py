"""The arrays and facts of a layer, moved, saved and read again."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy
import pytest
import torch
from hypothesis import given, settings
from numpy.testing import assert_allclose
from safetensors.numpy import save
from strategies import json_values
from traces_of_all_kinds import (
    assert_same,
    cross_layer,
    full_trace,
    normal,
    opened,
    parts,
    plain_trace,
    self_layer,
)

from attnviz.attention.arrays import to_numpy
from attnviz.attention.rule import Rule
from attnviz.choices import Position
from attnviz.errors import AttnvizError
from attnviz.sources.toy.toy import Toy
from attnviz.trace.trace import Trace, load

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


def test_a_saved_trace_comes_back_exactly(tmp_path):
    full_trace().save(tmp_path / "trace.safetensors")
    assert_same(load(tmp_path / "trace.safetensors"), full_trace())


def test_ten_layers_keep_their_arrays_apart(tmp_path):
    layers = [replace(cross_layer(), index=number, query=normal(1, 2, 3) + number) for number in range(12)]
    saved = Trace(("le", "chat"), tuple(layers))
    saved.save(tmp_path / "trace.safetensors")
    assert_same(load(tmp_path / "trace.safetensors"), saved)


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


RECORD = {
    "tokens": ["a", "b"],
    "source": {},
    "layers": [
        {
            "index": 0,
            "name": "",
            "kind": "self",
            "tokens": None,
            "key_tokens": None,
            "rule": {"scale": 1.0, "causal": True},
        }
    ],
}


PLACES = [
    ("tokens",),
    ("source",),
    ("layers",),
    *(("layers", 0, name) for name in RECORD["layers"][0]),
    *(
        ("layers", 0, "rule", name)
        for name in ("scale", "causal", "query_offset", "window", "softcap", "mask", "other")
    ),
]


def file_of(record: str, **arrays: numpy.ndarray) -> bytes:
    arrays = {name: numpy.ones((1, 2, 2)) for name in ("query", "key", "value")} | arrays
    return save({f"layers.0.{name}": array for name, array in arrays.items()}, {"attnviz": "1", "trace": record})


def test_the_record_of_the_next_tests_is_a_trace(tmp_path):
    (tmp_path / "trace.safetensors").write_bytes(file_of(json.dumps(RECORD)))
    assert load(tmp_path / "trace.safetensors").tokens == ("a", "b")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
@settings(max_examples=40)
@given(value=json_values())
def test_a_trace_with_another_value_in_its_record_is_an_error_or_a_trace(tmp_path_factory, place, value):
    record = json.loads(json.dumps(RECORD))
    owner = record
    for step in place[:-1]:
        owner = owner[step]
    owner[place[-1]] = value
    opened(tmp_path_factory.getbasetemp() / "record.safetensors", file_of(json.dumps(record)))


@pytest.mark.parametrize(
    "record",
    ["", "[]", "null", "[" * 100_000, json.dumps(RECORD).replace("1.0", "1" + "0" * 400), '{"layers": []}'],
    ids=["empty", "list", "null", "deep", "huge", "no-layers"],
)
def test_a_trace_with_a_broken_record_is_damaged(tmp_path, record):
    (tmp_path / "trace.safetensors").write_bytes(file_of(record))
    with pytest.raises(AttnvizError, match=r"damaged trace|scale is 1000"):
        load(tmp_path / "trace.safetensors")


def test_a_trace_without_one_of_its_arrays_is_damaged(tmp_path):
    content = save({"layers.0.query": numpy.ones((1, 2, 2))}, {"attnviz": "1", "trace": json.dumps(RECORD)})
    (tmp_path / "trace.safetensors").write_bytes(content)
    with pytest.raises(AttnvizError):
        load(tmp_path / "trace.safetensors")


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
