"""The record in the middle: its tokens and layers, saved, loaded and moved."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy
import pytest
import torch
from hypothesis import given, settings
from made_roles import made_role
from numpy.testing import assert_allclose
from safetensors.numpy import save
from strategies import json_values
from traces_of_all_kinds import cross_layer, full_trace, normal, opened, self_layer

from attnviz.attention.formula import attend
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.trace.generation import Generation
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace, load, numbered

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


def test_a_trace_is_read_without_torch(tmp_path):
    path = tmp_path / "trace.safetensors"
    tensor = torch.from_numpy(normal(2, 3, 4)).bfloat16()
    Trace(("a", "b", "c"), (Layer(tensor, tensor, tensor, Rule(causal=True)),)).save(path)
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import attnviz\n"
        f"print(attnviz.load({str(path)!r}).layers[0].steps().weights[1, 2].tolist())\n"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    expected = attend(tensor, tensor, tensor, causal=True).weights[1, 2]
    assert_allclose(json.loads(printed), expected, rtol=1e-6)


def test_arrays_are_not_a_trace(tmp_path):
    (tmp_path / "arrays.safetensors").write_bytes(save({"query": numpy.ones((2, 2))}))
    with pytest.raises(AttnvizError, match="holds arrays, not a saved trace"):
        load(tmp_path / "arrays.safetensors")


def test_a_trace_of_a_later_format_asks_for_an_update(tmp_path):
    content = save({"query": numpy.ones((2, 2))}, {"attnviz": "2", "trace": "{}"})
    (tmp_path / "trace.safetensors").write_bytes(content)
    with pytest.raises(AttnvizError, match="format 2, this attnviz reads format 1") as error:
        load(tmp_path / "trace.safetensors")
    assert error.value.hint == "update attnviz"


def test_a_trace_needs_a_layer():
    with pytest.raises(AttnvizError, match="at least one layer"):
        Trace(("a",), ())


@pytest.mark.parametrize(
    ("tokens", "layer", "words"),
    [
        (("a", "b"), self_layer(), "2 tokens but query has 3"),
        (("a", "b", "c"), replace(cross_layer(), tokens=("le",)), "1 token but query has 2"),
        (("le", "chat"), replace(cross_layer(), key_tokens=("the",)), "1 token but key has 5"),
        (("le", "chat"), replace(cross_layer(), key_tokens=None), "2 tokens but key has 5"),
    ],
)
def test_tokens_and_rows_are_as_many(tokens, layer, words):
    with pytest.raises(AttnvizError, match=words):
        Trace(tokens, (layer,))


def test_lone_surrogates_are_written_out_on_every_side():
    layer = replace(cross_layer(), tokens=("\udc80", "b"), key_tokens=("\ud800", *"bcde"))
    trace = Trace(("\udc80", "b"), (layer,))
    assert trace.tokens[0] == trace.query_tokens(trace.layers[0])[0] == r"\udc80"
    assert trace.key_tokens(trace.layers[0])[0] == r"\ud800"


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
@pytest.mark.some(5)
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


def test_a_trace_moves_with_all_its_layers():
    moved = full_trace().to("torch", "cpu", "float32")
    assert [str(layer.query.dtype) for layer in moved.layers] == ["torch.float32"] * 3
    assert (moved.tokens, moved.source) == (full_trace().tokens, full_trace().source)


def test_tokens_and_layers_are_held_apart_from_what_they_were_made_of():
    tokens = ["a", "b", "c"]
    trace = Trace(tokens, [self_layer()])
    tokens.append("d")
    assert (trace.tokens, len(trace.layers)) == (("a", "b", "c"), 1)


@pytest.mark.parametrize("tokens", [("a", 1, "c"), (None,)])
def test_a_token_is_a_text(tokens):
    with pytest.raises(AttnvizError, match="tokens must be strings"):
        Trace(tokens, (self_layer(),))


def test_a_trace_says_what_it_is():
    assert repr(full_trace()) == "Trace(3 tokens, 3 layers, 4 heads, model)"
    one = Trace(("a",), (Layer(*[numpy.ones((1, 1, 2))] * 3),))
    assert repr(one) == "Trace(1 token, 1 layer, 1 head, arrays)"


def test_names_of_tokens_that_came_without_are_their_positions():
    assert numbered(3) == ("0", "1", "2")
    assert numbered(2, "k") == ("k0", "k1")


def with_roles():
    return replace(full_trace(), roles=(made_role(), made_role("meaning", verdict=None, accuracy=None, ablated={})))


def test_the_roles_of_heads_are_saved_and_read_again(tmp_path):
    trace = with_roles()
    trace.save(tmp_path / "t.safetensors")
    assert load(tmp_path / "t.safetensors").roles == trace.roles


def test_a_trace_without_roles_says_nothing_of_them(tmp_path):
    full_trace().save(tmp_path / "t.safetensors")
    assert b"roles" not in (tmp_path / "t.safetensors").read_bytes()
    assert load(tmp_path / "t.safetensors").roles == ()


def test_a_role_that_is_damaged_is_told_by_its_place(tmp_path):
    damaged = replace(full_trace(), roles=(made_role("grammar"),))
    damaged.save(tmp_path / "t.safetensors")
    with pytest.raises(
        AttnvizError, match=r'damaged trace: roles\[0\]\.role is "grammar", expected one of position, syntax'
    ):
        load(tmp_path / "t.safetensors")


def test_what_a_model_wrote_is_saved_with_its_predictions(tmp_path):
    layer = Layer(*[numpy.ones((1, 2, 3))] * 3, Rule(causal=True))
    generation = Generation(("b", "c"), (0.5, 0.25), "a", "bc")
    trace = Trace(("a", "b"), (layer,), predictions=[[], [["c", 0.25]]], generation=generation)
    trace.save(tmp_path / "t.safetensors")
    read = load(tmp_path / "t.safetensors")
    assert read.predictions == trace.predictions == ((), (("c", 0.25),))
    assert read.generation == generation
    with pytest.raises(AttnvizError, match="predictions for 1 position: no layer has as many queries"):
        Trace(("a", "b"), (layer,), predictions=[()])
