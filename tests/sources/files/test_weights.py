"""Weights alone in files: every format and every way of naming them says the same."""

from __future__ import annotations

import json
import os
import threading

import numpy
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from attnviz.errors import AttnvizError, UsageError
from attnviz.sources.files.qkv import read_trace
from attnviz.sources.files.weights import is_weights
from attnviz.trace.trace import load

GIVEN = torch.softmax(torch.from_numpy(numpy.random.default_rng(0).standard_normal((3, 2, 4, 4))), -1).numpy()
WORDS = ["the", "cat", "sat", "ế"]


def read(path, **options):
    return read_trace(path, **options)


def written(folder, suffix, fields):
    path = folder / f"own{suffix}"
    match suffix:
        case ".npz":
            numpy.savez(path, **fields)
        case ".npy":
            numpy.save(path, fields["weights"])
        case ".json":
            plain = {name: value.tolist() if hasattr(value, "tolist") else value for name, value in fields.items()}
            path.write_text(json.dumps(plain), encoding="utf-8")
        case ".safetensors":
            tokens = {name: json.dumps(fields[name]) for name in ("tokens", "key_tokens") if name in fields}
            arrays = {name: numpy.ascontiguousarray(value) for name, value in fields.items() if name not in tokens}
            save_file(arrays, path, tokens)
    return path


def same(trace, wanted=GIVEN):
    assert [layer.index for layer in trace.layers] == list(range(len(wanted)))
    for layer, weights in zip(trace.layers, wanted, strict=True):
        numpy.testing.assert_array_equal(layer.weights, weights)


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".json", ".safetensors"])
@pytest.mark.parametrize("batched", [False, True])
def test_an_array_of_all_layers(tmp_path, suffix, batched):
    fields = {"weights": GIVEN[:, None] if batched else GIVEN}
    trace = read(written(tmp_path, suffix, fields))
    same(trace)
    assert (trace.tokens, trace.source) == (("0", "1", "2", "3"), {"kind": "arrays", "file": f"own{suffix}"})


@pytest.mark.parametrize("suffix", [".npz", ".json", ".safetensors"])
@pytest.mark.parametrize("name", ["attentions", "Attention", "attn", "attention_weights", "attn_weights"])
def test_other_names_and_tokens_beside_them(tmp_path, suffix, name):
    trace = read(written(tmp_path, suffix, {name: GIVEN, "tokens": WORDS}))
    same(trace)
    assert trace.tokens == tuple(WORDS)


@pytest.mark.parametrize("suffix", [".npz", ".json", ".safetensors"])
@pytest.mark.parametrize("pattern", ["weights.{}", "attentions_{}", "layer_{}", "layers.{}.attn", "arr_{}", "Attn-{}"])
def test_an_array_for_each_layer(tmp_path, suffix, pattern):
    fields = {pattern.format(number): GIVEN[number] for number in (2, 0, 1)}
    same(read(written(tmp_path, suffix, fields)))


def test_what_savez_calls_arrays_without_names(tmp_path):
    numpy.savez(tmp_path / "own.npz", *GIVEN[:, None])
    same(read(tmp_path / "own.npz"))
    numpy.savez(tmp_path / "own.npz", GIVEN)
    same(read(tmp_path / "own.npz"))


def test_layers_of_other_heads_and_the_tenth_after_the_ninth(tmp_path):
    fields = {f"weights_{number}": GIVEN[0, : 1 + number % 2] for number in range(11)}
    trace = read(written(tmp_path, ".npz", fields))
    assert [layer.heads for layer in trace.layers] == [1 + number % 2 for number in range(11)]
    assert trace.layers[10].index == 10


def test_a_list_of_json_alone(tmp_path):
    (tmp_path / "own.json").write_text(json.dumps(GIVEN.tolist()))
    same(read(tmp_path / "own.json"))
    ragged = [GIVEN[0].tolist(), GIVEN[1, :1].tolist()]
    (tmp_path / "own.json").write_text(json.dumps(ragged))
    assert [layer.heads for layer in read(tmp_path / "own.json").layers] == [2, 1]


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_half_precision_is_read_exactly_and_is_no_fault(tmp_path, kind):
    weights = torch.from_numpy(GIVEN).to(kind)
    save_tensors({"weights": weights}, tmp_path / "own.safetensors")
    trace = read(tmp_path / "own.safetensors")
    same(trace, weights.double().numpy())
    assert "row_sums" not in trace.source


def test_what_the_file_tells_of_the_keys_is_kept(tmp_path):
    causal = numpy.tril(GIVEN)
    causal /= causal.sum(-1, keepdims=True)
    trace = read(written(tmp_path, ".npz", {"weights": causal, "causal": True, "extra": causal[0]}))
    assert trace.layers[0].rule.causal
    assert trace.source.unread == ("extra",)
    assert trace.layers[0].steps(0).hidden[0].tolist() == [False, True, True, True]


def test_query_key_and_value_come_first_and_are_missing_otherwise(tmp_path):
    vectors = numpy.ones((1, 4, 2))
    whole = {"query": vectors, "key": vectors, "value": vectors, "weights": GIVEN}
    trace = read(written(tmp_path, ".npz", whole))
    assert (trace.layers[0].weights, trace.source.unread) == (None, ("weights",))
    del whole["query"]
    trace = read(written(tmp_path, ".npz", whole))
    same(trace)
    assert trace.source.unread == ("key", "value")


def test_rows_that_do_not_add_up_are_told(tmp_path):
    damaged = GIVEN.copy()
    damaged[1, 1, 2] /= 2
    told = read(written(tmp_path, ".npz", {"weights": damaged})).source["row_sums"]
    assert told == {
        "off": 1, "rows": 24, "layer": "layer 1", "head": 1, "query": 2, "sum": pytest.approx(0.5)
    }  # fmt: skip


def test_tokens_come_from_a_text_where_the_file_has_none(tmp_path):
    path = written(tmp_path, ".npz", {"weights": GIVEN})
    assert read(path, text="the cat  sat\nế").tokens == tuple(WORDS)
    with pytest.raises(AttnvizError, match="3 tokens, but layer 0 has 4 queries"):
        read(path, text="the cat sat")
    with pytest.raises(UsageError, match="holds its own tokens, and a text is given as well"):
        read(written(tmp_path, ".npz", {"weights": GIVEN, "tokens": WORDS}), text="a b c d")
    vectors = numpy.ones((1, 4, 2))
    dump = written(tmp_path, ".npz", {"q": vectors, "k": vectors, "v": vectors})
    assert read(dump, text="a b c d").tokens == ("a", "b", "c", "d")
    read(dump).save(tmp_path / "saved.safetensors")
    with pytest.raises(UsageError, match="holds its own tokens"):
        read(tmp_path / "saved.safetensors", text="a b c d")


def test_a_trace_that_was_saved_is_read_as_it_was(tmp_path):
    read(written(tmp_path, ".npz", {"weights": GIVEN, "tokens": WORDS})).save(tmp_path / "saved.safetensors")
    same(load(tmp_path / "saved.safetensors"))
    same(read(tmp_path / "saved.safetensors"))


def test_a_pipe_gives_its_bytes_once_and_is_read_all_the_same(tmp_path):
    content = written(tmp_path, ".npz", {"weights": GIVEN}).read_bytes()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(content))
    writer.start()
    same(read(tmp_path / "pipe"))
    writer.join()


def test_the_rule_of_options_is_checked_too(tmp_path):
    path = written(tmp_path, ".npz", {"weights": GIVEN})
    with pytest.raises(AttnvizError, match="is on a key that the rule hides"):
        read(path, rule={"causal": True})
    with pytest.raises(AttnvizError, match="scale turns scores into weights"):
        read(path, rule={"scale": 1.0})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"weights": GIVEN, "attentions": GIVEN}, "holds weights under several names, weights, attentions"),
        ({"weights": GIVEN, "weights_0": GIVEN[0]}, "holds weights under several names"),
        ({"weights.1": GIVEN[0], "layer_1": GIVEN[0]}, "several arrays for one layer"),
        ({"weights": GIVEN[:, None].repeat(2, axis=1)}, "weights holds a batch of 2 texts: which one is meant"),
        ({"weights": GIVEN[0, 0, 0]}, r"weights has the shape \(4,\)"),
        ({"weights.0": GIVEN[0, 0], "weights.1": GIVEN[0]}, r"has the shape \(4, 4\)"),
        ({"weights": GIVEN[:0]}, "is empty: its shape is"),
        ({"weights": -GIVEN}, "layer 0: the weight at head 0, query 0, key 0 is -"),
        ({"weights": GIVEN * numpy.nan}, "layer 0: the weight at head 0, query 0, key 0 is nan"),
        ({"weights": GIVEN, "tokens": ["a"]}, "1 token, but layer 0 has 4 queries"),
        ({"weights": GIVEN.astype(str)}, "holds str"),
        ({"weights": GIVEN.astype(complex)}, "holds complex128 values"),
        ({"weights": GIVEN, "bias": GIVEN[0]}, "bias turns scores into weights"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(tmp_path, fields, words):
    with pytest.raises(AttnvizError, match=words) as raised:
        read(written(tmp_path, ".npz", fields))
    assert "\n" not in raised.value.message


def test_the_hint_of_a_batch_says_what_to_keep(tmp_path):
    with pytest.raises(AttnvizError) as raised:
        read(written(tmp_path, ".npy", {"weights": GIVEN[:, None].repeat(2, axis=1)}))
    assert "keep one of them" in raised.value.hint


@pytest.mark.parametrize("name", ["w", "query", "out_weights", "weights_x", "layer", "arr", "layer_norm_3", "weight"])
def test_other_names_are_no_weights(name):
    assert not is_weights(name)


def test_a_field_for_weights_that_holds_none_is_one_line(tmp_path):
    (tmp_path / "own.json").write_text('{"weights": null}')
    with pytest.raises(AttnvizError, match=r"own\.json holds no weights"):
        read(tmp_path / "own.json")
