"""An adapter put into a model: against the model that was adapted by hand, and what is wrong with one in a line."""

from __future__ import annotations

import copy
import json
import math
import warnings

import peft
import pytest
import torch
from adapters import ALPHA, RANK, adapted_by_hand, adapter_weights, saved_adapter
from tiny_models import TEXTS, model, saved, tokenizer

import attnviz
from attnviz import AttnvizError, generate, trace_model
from attnviz.sources.huggingface.loading import adapter
from attnviz.sources.huggingface.loading.loader import load_model

TEXT = TEXTS[1]


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return str(saved("Llama", tmp_path_factory.mktemp("llama")))


@pytest.fixture
def lora(tmp_path):
    return str(saved_adapter(tmp_path / "lora"))


def require_same(trace, by_hand):
    """Weights as transformers itself hands them out, and the adapted W_O."""
    by_hand.set_attn_implementation("eager")
    ids = torch.tensor([tokenizer()(TEXT)["input_ids"]])
    with torch.no_grad():
        theirs = by_hand(ids, output_attentions=True).attentions
    for layer, weights in zip(trace.layers, theirs, strict=True):
        torch.testing.assert_close(layer.steps().weights, weights[0], atol=3e-6, rtol=0)
        wanted = by_hand.model.layers[layer.index].self_attn.o_proj.weight.T
        torch.testing.assert_close(torch.as_tensor(layer.projections["output"].weight), wanted, atol=1e-5, rtol=1e-5)


def test_the_numbers_are_those_of_the_model_adapted_by_hand(llama, lora):
    trace = trace_model(llama, TEXT, adapter=lora)
    require_same(trace, adapted_by_hand())
    assert trace.source.adapter == "lora"
    assert trace.source.model_name.endswith(" + lora")
    plain = trace_model(llama, TEXT)
    assert plain.source.adapter == ""
    assert (plain.layers[0].steps().weights - trace.layers[0].steps().weights).abs().max() > 0.01


def test_a_variant_of_the_scale_is_heeded(llama, tmp_path):
    lora = str(saved_adapter(tmp_path / "rs", use_rslora=True))
    require_same(trace_model(llama, TEXT, adapter=lora), adapted_by_hand(ALPHA / math.sqrt(RANK)))


def test_the_lengths_of_dora_are_heeded(llama, tmp_path):
    """Liu et al. 2024, 2402.09353, equation 5: each row of W + s · B A has a length of its own, which is learned."""
    weights, made = adapter_weights(model("Llama")), adapted_by_hand()
    for name in [name for name in weights if ".lora_A." in name]:
        path = name.partition(".lora_")[0]
        rows = made.get_submodule(path.removeprefix("base_model.model.")).weight
        lengths = 0.5 + torch.rand(len(rows), generator=torch.Generator().manual_seed(len(path)))
        weights[f"{path}.lora_magnitude_vector"] = lengths
        with torch.no_grad():
            rows *= (lengths / rows.norm(dim=1))[:, None]
    lora = str(saved_adapter(tmp_path / "dora", weights, use_dora=True))
    require_same(trace_model(llama, TEXT, adapter=lora), made)


def test_it_does_not_matter_with_which_output_layer_it_was_trained(llama, tmp_path):
    bare = saved_adapter(tmp_path / "bare", adapter_weights(model("Llama").model))
    named = adapter_weights(model("Llama"), ("q_proj", "v_proj", "o_proj", "lm_head"))
    with_head = saved_adapter(tmp_path / "head", named)
    require_same(trace_model(llama, TEXT, adapter=str(bare)), adapted_by_hand())
    require_same(trace_model(llama, TEXT, adapter=str(with_head)), adapted_by_hand())
    written = generate(llama, TEXT, 6, adapter=str(bare)).generation.chosen
    assert written == generate(adapted_by_hand(), TEXT, 6, tokenizer=tokenizer()).generation.chosen


@pytest.mark.slow
def test_one_that_peft_has_put_in_and_left_beside_gives_the_same(lora):
    made = adapted_by_hand()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        beside = peft.PeftModel.from_pretrained(copy.deepcopy(model("Llama")), lora)
    trace = trace_model(beside.base_model.model, TEXT, tokenizer=tokenizer())
    with torch.no_grad():
        made.set_attn_implementation("eager")
        theirs = made(torch.tensor([tokenizer()(TEXT)["input_ids"]]), output_attentions=True).attentions
    for layer, weights in zip(trace.layers, theirs, strict=True):
        torch.testing.assert_close(layer.steps().weights, weights[0], atol=3e-6, rtol=0)
        assert "output" not in layer.projections  # two maps read the same outputs
    assert trace.source.unprojected


@pytest.mark.slow
def test_every_call_that_loads_a_model_takes_one(llama, lora):
    told = attnviz.stats(TEXT, llama, adapter=lora, layer=0).statistics
    assert told.model.endswith(" + lora")
    assert attnviz.roles(llama, adapter=lora, cases=1).model.endswith(" + lora")


def changed(folder, **settings):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "adapter_config.json").unlink(), "holds no adapter_config.json"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), "adapter_config.json of .* cannot be read"),
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "holds no adapter_model.safetensors"),
        (lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"x" * 90), "cannot be put in: "),
        (
            lambda folder: (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin"),
            "has its weights only in adapter_model.bin",
        ),
        (lambda folder: changed(folder, peft_type="PREFIX_TUNING"), "is of the kind 'PREFIX_TUNING'"),
        (lambda folder: changed(folder, layer_replication=[[0, 1], [0, 1]]), "has layer_replication"),
        (lambda folder: changed(folder, megatron_config={"a": 1}, megatron_core="antigravity"), "has megatron_config"),
        (lambda folder: changed(folder, r=5), "belongs to another model: its weights have other shapes"),
        (lambda folder: changed(folder, r="many"), "cannot be put in: "),
        (lambda folder: (folder / "extra").symlink_to("/etc/hostname"), "is a link to /etc/hostname"),
    ],
)
def test_a_damaged_adapter_is_one_line(llama, tmp_path, damage, message):
    folder = saved_adapter(tmp_path / "lora")
    damage(folder)
    with pytest.raises(AttnvizError, match=message) as caught:
        load_model(llama, None, None, None, adapter=str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda name, array: (name.replace("self_attn", "attention"), array),
            "belongs to another model: .* has no model.layers",
        ),
        (
            lambda name, array: (name.replace("layers.1", "layers.7"), array),
            "belongs to another model: .* has no model.layers.7",
        ),
        (
            lambda name, array: (name, torch.cat([array, array], dim=int("lora_A" in name))),
            "its weights have other shapes",
        ),
        (lambda name, array: (name if "lora_B" in name else f"{name}.gone", array), "lacks a part of its adapter"),
        (lambda name, array: (name, array * math.nan), "cannot be put in: "),
    ],
    ids=["other names", "more layers", "wider", "halves", "no numbers"],
)
def test_an_adapter_of_another_model_is_one_line(llama, tmp_path, change, message):
    weights = dict(change(name, array) for name, array in adapter_weights(model("Llama")).items())
    folder = saved_adapter(tmp_path / "lora", {name: array.contiguous() for name, array in weights.items()})
    with pytest.raises(AttnvizError, match=message):
        load_model(llama, None, None, None, adapter=str(folder))


def test_what_is_no_folder_is_told(llama, tmp_path):
    (tmp_path / "file").touch()
    for name, message in (("file", "is a file: expected the folder of an adapter"), ("none", "does not exist")):
        with pytest.raises(AttnvizError, match=message):
            load_model(llama, None, None, None, adapter=str(tmp_path / name))


def test_without_the_library_it_is_one_line(llama, lora, monkeypatch):
    monkeypatch.setattr(adapter, "find_spec", lambda _: None)
    with pytest.raises(AttnvizError, match="needs peft, which is not installed"):
        load_model(llama, None, None, None, adapter=lora)


def test_too_little_memory_is_told(llama, lora, monkeypatch):
    def lacking(*_):
        raise MemoryError

    monkeypatch.setattr(adapter, "_put_in", lacking)
    with pytest.raises(AttnvizError, match="not enough memory for the adapter"):
        load_model(llama, None, None, None, adapter=lora)


def test_only_a_model_that_is_named_takes_one(lora):
    for call in (
        lambda: trace_model(model("Llama"), TEXT, adapter=lora),
        lambda: attnviz.roles(model("Llama"), adapter=lora),
    ):
        with pytest.raises(AttnvizError, match="this one is loaded already"):
            call()
    with pytest.raises(AttnvizError, match="adapter is for a model of torch"):
        trace_model("tiny", TEXT, adapter=lora)
