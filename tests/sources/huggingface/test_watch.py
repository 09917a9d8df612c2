"""What is captured of a model is what the model itself computes: every oracle here is the model's own."""

from __future__ import annotations

import pytest
import torch
import transformers
from tiny_models import CONFIGS, inputs, model
from watched_models import NAMES, eager_attentions, forward, made

from attnviz import AttnvizError, trace_model
from attnviz.choices import Verify
from attnviz.sources.huggingface import watch
from attnviz.sources.huggingface.native_attention import attention_output
from attnviz.sources.huggingface.switching import seeing, switched_for, watching
from attnviz.sources.huggingface.watch import Watch
from attnviz.sources.recording.sampled import Comparison


@pytest.mark.some(5)
def test_weights_equal_the_models_own_attentions(traced):
    _, network, given, trace = traced
    expected = eager_attentions(network, given)
    assert len(trace.layers) == len(expected)
    for layer, weights in zip(trace.layers, expected, strict=True):
        torch.testing.assert_close(layer.steps().weights, weights, atol=1e-5, rtol=0)
        torch.testing.assert_close(layer.steps(head=3).weights, weights[3], atol=1e-5, rtol=0)


def test_what_is_kept_is_no_part_of_anything_larger():
    config = transformers.Phi3Config(**CONFIGS["Mistral"])
    for layer in trace_model(made(config), inputs("Llama")).layers:  # its query, key and value are one product
        for array in (layer.query, layer.key, layer.value):
            assert array.untyped_storage().nbytes() == array.nbytes
            assert not array.is_inference()


def test_several_texts_at_once_are_refused():
    ids = inputs("Llama")["input_ids"]
    with pytest.raises(AttnvizError, match="input_ids holds 2 texts: a trace holds only one"):
        trace_model(model("Llama"), {"input_ids": torch.cat([ids, ids])})


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tokens", [1, 2, 5, 64])
def test_texts_of_every_length(name, tokens):
    network, given = model(name), inputs(name, tokens=tokens, targets=max(tokens // 2, 1))
    for layer, weights in zip(trace_model(network, given).layers, eager_attentions(network, given), strict=True):
        torch.testing.assert_close(layer.steps().weights, weights, atol=1e-5, rtol=0)


def test_parts_of_a_text_at_once_are_refused():
    pixels = {"pixel_values": torch.cat([inputs("ViT")["pixel_values"]] * 2)}
    with pytest.raises(AttnvizError, match=r"attention attends to 2 texts, or parts of one, at once"):
        trace_model(model("ViT"), pixels)


def test_a_layer_of_two_maps_is_dropped_and_named():
    network = made(transformers.DiffLlamaConfig(**CONFIGS["Llama"]))
    with (
        pytest.raises(AttnvizError, match="DiffLlamaModel computes attention in its own way"),
        watching(network) as watch,
    ):
        forward(network, inputs("Llama"))
    assert watch.runs == []
    assert watch.calls.unseen == ("layers.N.self_attn",)


def test_a_watch_beside_another_knows_nothing_of_its_pass_and_the_model_as_it_was_before_the_switch():
    network, given = model("Llama"), inputs("Llama")
    first = Watch(network, wanted=lambda _, number: number == 1)
    with switched_for(first):
        with seeing(first):
            forward(network, given)
        other = first.beside(comparison=Comparison(Verify.ALL))
        assert (other.runs, other.kept, other.comparison) == ([], [], Comparison(Verify.ALL))
        with seeing(other):
            forward(network, given)
    assert [layer.index for layer, _ in other.kept] == [layer.index for layer, _ in first.kept] == [1]
    assert other.implementation(network.config) == first.implementation(network.config) == "sdpa"
    torch.testing.assert_close(other.kept[0][0].steps().weights, first.kept[0][0].steps().weights)


@pytest.mark.parametrize("name", ["Llama", "GptOss", "T5", "Bart"])
def test_a_card_compares_at_once_what_a_processor_compares_behind_the_pass(name, monkeypatch):
    network, given = model(name), inputs(name)
    behind = trace_model(network, given)
    monkeypatch.setattr(watch, "on_cpu", lambda _: False)
    at_once = trace_model(network, given)
    assert [layer.title for layer in at_once.layers] == [layer.title for layer in behind.layers]
    for one, other in zip(at_once.layers, behind.layers, strict=True):
        assert torch.equal(one.query, other.query)
        assert torch.equal(one.steps().weights, other.steps().weights)
        assert one.query.data_ptr() != other.query.data_ptr()
    assert at_once.source.agreement.errors.keys() == behind.source.agreement.errors.keys()
    monkeypatch.setattr(watch, "attention_output", lambda *given: attention_output(*given) * 1.01)
    with pytest.raises(AttnvizError, match="attention recomputed"):
        trace_model(network, given)
