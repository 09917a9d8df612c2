"""A real model's attention as a trace."""

from __future__ import annotations

import copy
import json

import pytest
import torch
import transformers
from recorded_models import read_by, recorded_model
from tiny_models import inputs, model, tokenizer

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.trace_model import trace

TEXT = "Your journey starts with one step"


def test_a_folder_a_name_and_a_loaded_model_give_the_same(folders):
    by_path, by_name = trace_model(folders / "Llama", TEXT), trace_model(str(folders / "Llama"), TEXT)
    loaded = trace_model(model("Llama"), TEXT, tokenizer=tokenizer())
    assert by_path.tokens == by_name.tokens == loaded.tokens == tuple(TEXT.split())
    for one, other in zip(by_path.layers, loaded.layers, strict=True):
        assert torch.equal(one.query, other.query)
    assert by_path.source["model"] == "Llama"


def test_the_source_says_where_the_numbers_come_from(folders):
    source = trace_model(folders / "Llama", TEXT).source
    assert json.loads(json.dumps(source)) == source
    assert (source["kind"], source["architecture"], source["dtype"]) == ("model", "LlamaModel", "float32")
    assert len(source["ids"]) == len(TEXT.split())


@pytest.mark.parametrize(
    ("name", "text", "options", "message"),
    [
        ("Llama", "Your" + " one" * 64, {}, "the text has 65 tokens, more than the 64 positions of this model"),
        ("Llama", "", {}, "the tokenizer makes no tokens of this text"),
        ("Llama", "a", {"target": "b"}, "LlamaModel has no decoder to read a target"),
        ("Llama", "a", {"device": "cuda:77"}, "torch cannot use the device cuda:77"),
        ("Llama", "a", {"device": "nonsense"}, "torch cannot use the device nonsense"),
        ("Llama", "a", {"device": "cpu", "device_map": "auto"}, "--device and --device-map: give one of the two"),
    ],
)
def test_what_does_not_fit_the_model_is_one_clear_line(folders, name, text, options, message):
    with pytest.raises(AttnvizError) as error:
        trace_model(folders / name, text, **options)
    assert error.value.message.startswith(message)


def test_progress_tells_of_every_layer(folders):
    steps = []
    trace(Model.load(str(folders / "T5")), "Your step", progress=lambda *step: steps.append(step))
    assert steps == [(number, 8) for number in range(1, 9)]


@pytest.mark.parametrize("found", [True, False])
def test_a_model_that_was_found_by_its_name_asks_no_hub_while_it_runs(folders, found, monkeypatch):
    """One that a person has loaded in Python may do as its owner let it."""
    from huggingface_hub import constants

    offline = []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    network = Model.load(str(folders / "Llama")) if found else Model(copy.deepcopy(model("Llama")), "mine", tokenizer())
    network.model.register_forward_pre_hook(lambda *_: offline.append(constants.HF_HUB_OFFLINE))
    trace(network, TEXT)
    assert offline == [found]
    assert not constants.HF_HUB_OFFLINE


def test_a_layer_that_does_not_exist_is_told_after_a_run_where_only_a_run_can_tell():
    """Of shared weights; and where a stack cannot be watched, which the hint says."""
    with pytest.raises(AttnvizError, match="layer 45 does not exist: the model has layers 0 to 1") as told:
        trace_model(model("Albert"), inputs("Albert"), layer="45")
    assert told.value.hint == ""
    config = transformers.LongT5Config(
        vocab_size=330, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, decoder_start_token_id=0
    )
    with pytest.raises(AttnvizError, match="there are no encoder layers: the model has decoder, cross") as told:
        trace_model(transformers.LongT5Model(config).eval(), [5, 6, 7], layer="encoder")
    assert "LocalSelfAttention computes attention in its own way" in told.value.hint


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no\nsound"), "LlamaForCausalLM cannot read this: no sound"),
        (torch.OutOfMemoryError("CUDA"), "not enough memory for this text in this model"),
        (AttnvizError("said already"), "said already"),
    ],
)
def test_a_model_that_fails_while_it_runs_is_one_line(error, message):
    network = copy.deepcopy(model("Llama"))

    def fails(*_):
        raise error

    network.register_forward_pre_hook(fails)
    with pytest.raises(AttnvizError, match=message):
        trace_model(network, inputs("Llama"))


def test_what_the_interface_does_not_see_is_recorded():
    network = recorded_model("Bloom")
    assert [layer.title for layer in trace_model(network, read_by(network)).layers] == ["layer 0", "layer 1"]


@pytest.mark.parametrize(
    ("name", "message"), [("Longformer", "computes attention in pieces"), ("FNet", "has no attention with a softmax")]
)
def test_what_has_no_whole_map_is_one_clear_line(name, message):
    network = recorded_model(name)
    with pytest.raises(AttnvizError, match=f"^{name}Model {message}"):
        trace_model(network, read_by(network))
