"""A model in a .gguf file: its numbers against the model that was written to it, and what is wrong with one in a line."""

from __future__ import annotations

import copy
import struct
import sys

import gguf_files
import pytest
import torch
from tiny_models import TEXTS, model, tokenizer

from attnviz import AttnvizError, generate, trace_model
from attnviz.sources.huggingface.loading import gguf
from attnviz.sources.huggingface.loading.loader import load_image_processor, load_model, load_processor, load_tokenizer

TEXT = TEXTS[1]


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return str(gguf_files.gguf_llama(tmp_path_factory.mktemp("gguf") / "llama.GGUF"))


def attentions(of, ids):
    """The weights as transformers itself hands them out."""
    of = copy.deepcopy(of)  # the tiny ones are shared
    of.set_attn_implementation("eager")
    with torch.no_grad():
        return of(torch.tensor([ids]), output_attentions=True).attentions


@pytest.mark.parametrize("packed", [False, True])
def test_the_weights_are_those_of_the_model_that_was_written(tmp_path, packed, capfd):
    path = gguf_files.gguf_llama(tmp_path / "m.gguf", packed)
    trace = trace_model(str(path), TEXT)
    written = gguf_files.rounded_llama() if packed else model("Llama")
    ids = tokenizer()(TEXT)["input_ids"]
    assert list(trace.source.text.ids) == ids
    for layer, theirs in zip(trace.layers, attentions(written, ids), strict=True):
        torch.testing.assert_close(layer.steps().weights, theirs[0], atol=2e-6, rtol=0)
        wanted = written.model.layers[layer.index].self_attn.o_proj.weight.T
        torch.testing.assert_close(torch.as_tensor(layer.projections["output"].weight), wanted, atol=1e-6, rtol=0)
    assert trace.source.model == "m.gguf"
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_it_writes_as_well(llama):
    ours = generate(llama, TEXT, 5).generation
    theirs = generate(model("Llama"), TEXT, 5, tokenizer=tokenizer()).generation
    assert ours.chosen == theirs.chosen


def test_nothing_beside_the_file_is_read(llama, tmp_path):
    path = gguf_files.gguf_llama(tmp_path / "m.gguf")
    for name in (
        "config.json",
        "tokenizer_config.json",
        "tokenizer.json",
        "model.safetensors",
        "generation_config.json",
    ):
        (tmp_path / name).write_text("{ no JSON")
    loaded = load_model(str(path), None, None, None)
    assert loaded.name_or_path == loaded.config.name_or_path == str(path)
    assert load_tokenizer(str(path)).vocab_size == load_tokenizer(llama).vocab_size


def damaged(path, change):
    content = bytearray(path.read_bytes())
    path.write_bytes(bytes(change(content)))
    return str(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: b"", "is no GGUF file: it does not begin as one"),
        (lambda content: b"PK" + content[2:], "is no GGUF file: it does not begin as one"),
        (lambda content: content[:3000], "cannot be loaded: "),
        (lambda content: content[:-5000], "cannot be loaded: "),
        (lambda content: content[:16] + struct.pack("<Q", 2**60) + content[24:], "cannot be loaded: "),
        (lambda content: content[:8] + struct.pack("<Q", 2**60) + content[16:], "cannot be loaded: "),
    ],
    ids=["empty", "another kind", "cut in its facts", "cut in its weights", "facts without end", "arrays without end"],
)
def test_a_damaged_file_is_one_line(tmp_path, change, message):
    name = damaged(gguf_files.gguf_llama(tmp_path / "m.gguf"), change)
    with pytest.raises(AttnvizError) as caught:
        load_model(name, None, None, None)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_architecture_that_transformers_does_not_know_is_named(tmp_path):
    path = gguf_files.gguf_llama(tmp_path / "m.gguf", architecture="clownfish")
    with pytest.raises(AttnvizError, match=r"holds a model that transformers .* cannot read .*clownfish"):
        load_model(str(path), None, None, None)


def test_what_it_says_of_itself_is_bounded(tmp_path):
    path = gguf_files.gguf_llama(tmp_path / "m.gguf", architecture="qwen2moe", expert_count=100_000)
    with pytest.raises(AttnvizError, match=r"m.gguf of .* has num_experts = 100000: at most 10,000 are built"):
        load_model(str(path), None, None, None)


@pytest.mark.parametrize("fact", ["feed_forward_length", "vocab_size"])
def test_what_it_cannot_hold_is_not_made_room_for(tmp_path, fact):
    path = gguf_files.gguf_llama(tmp_path / "large.gguf", **{fact: 1_000_000})
    with pytest.raises(
        AttnvizError, match=r"large\.gguf says that it holds \d+,\d+,\d+ numbers, and is too small for them"
    ):
        load_model(str(path), None, None, None)


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])  # whose configuration lists its layers, one by one
def test_more_layers_than_tensors_are_not_built(tmp_path, architecture):
    path = gguf_files.gguf_llama(tmp_path / "deep.gguf", architecture=architecture, block_count=2**31 - 1)
    for load in (lambda: load_model(str(path), None, None, None), lambda: load_tokenizer(str(path))):
        with pytest.raises(
            AttnvizError, match=r"deep\.gguf says that it has 2,147,483,647 layers, and holds \d+ tensors"
        ):
            load()


def test_layers_that_are_not_there_are_told(tmp_path):
    path = gguf_files.gguf_llama(tmp_path / "m.gguf", block_count=3)
    with pytest.raises(AttnvizError, match=r"lacks weights: .*layers\.2\."):
        load_model(str(path), None, None, None)


def test_what_is_no_file_is_told(tmp_path):
    (tmp_path / "folder.gguf").mkdir()
    for name, message in (("folder.gguf", "is not a file: expected a .gguf file"), ("none.gguf", "does not exist")):
        with pytest.raises(AttnvizError, match=message):
            load_model(str(tmp_path / name), None, None, None)


def test_without_the_library_it_is_one_line(llama, monkeypatch):
    monkeypatch.setattr(gguf, "find_spec", lambda _: None)
    with pytest.raises(AttnvizError, match="read with gguf, which is not installed") as caught:
        load_model(llama, None, None, None)
    assert "attnviz[gguf]" in caught.value.hint


@pytest.mark.parametrize("load", [load_image_processor, load_processor])
def test_it_reads_no_image(llama, load):
    with pytest.raises(AttnvizError, match="holds no settings for images"):
        load(llama)


def test_older_versions_of_transformers_have_one_way_alone(monkeypatch):
    assert set(gguf._unpacked()) == {"quantization_config"}
    monkeypatch.setattr(gguf, "transformers", sys)
    assert gguf._unpacked() == {}
