"""What is captured of a model is what the model itself computes: every oracle here is the model's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import transformers
from tiny_models import CONFIGS, inputs, model
from watched_models import NAMES, PLAIN_CODE, eager_attentions, forward, made

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.watch import UnwatchedError, watching


def test_weights_equal_the_models_own_attentions(traced):
    _, network, given, trace = traced
    expected = eager_attentions(network, given)
    assert len(trace.layers) == len(expected)
    for layer, weights in zip(trace.layers, expected, strict=True):
        torch.testing.assert_close(layer.steps().weights, weights, atol=1e-5, rtol=0)
        torch.testing.assert_close(layer.steps(head=3).weights, weights[3], atol=1e-5, rtol=0)


def test_the_model_is_left_as_it_was(traced):
    name, network, given, _ = traced
    assert network.config._attn_implementation == ("eager" if name in PLAIN_CODE else "sdpa")
    network.train()
    trace_model(network, given)
    assert network.training
    network.eval()


def test_a_model_that_ignores_the_switch_is_refused():
    network = model("XLNet")
    with pytest.raises(UnwatchedError, match="XLNetModel computes attention in its own way"), watching(network):
        forward(network, inputs("XLNet"))
    assert network.config._attn_implementation == "eager"


def test_threads_take_turns():
    network, given = model("Llama"), inputs("Llama")
    with ThreadPoolExecutor(4) as threads:
        traces = list(threads.map(lambda _: trace_model(network, given), range(12)))
    assert {len(trace.layers) for trace in traces} == {2}
    assert network.config._attn_implementation == "sdpa"


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


def test_a_model_is_watched_once_at_a_time():
    network = model("Llama")
    with (
        pytest.raises(AttnvizError, match="a model is already being watched") as error,
        watching(network),
        watching(network),
    ):
        pass
    assert "before you start the next" in error.value.hint
    assert network.config._attn_implementation == "sdpa"


def test_another_thread_does_not_run_a_watched_model():
    network, given = model("Llama"), inputs("Llama")
    with watching(network), ThreadPoolExecutor(1) as threads:
        forward(network, given)
        with pytest.raises(AttnvizError, match="another thread runs this model while it is watched"):
            threads.submit(forward, network, given).result(timeout=60)


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
