"""From what a model's attention is given to the rule that says the same."""

from __future__ import annotations

import pytest
import torch
from tiny_models import inputs, model
from watched_models import DECODERS, eager_attentions

from attnviz import Layer, trace_model
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.call_rules import OncePerTensor, call_rule


def test_no_mask_of_queries_by_keys_is_kept(traced):
    _, _, _, trace = traced
    for layer in trace.layers:
        assert layer.rule.mask is None
        bias = layer.rule.bias  # T5's: each row is a view of the one above, moved by one
        assert bias is None or bias.strides[1] == -bias.strides[2]


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("Llama", [(True, None, None), (True, None, None)]),
        ("Mistral", [(True, 4, None), (True, 4, None)]),
        ("Gemma2", [(True, 4, 2.0), (True, None, 2.0)]),
        ("GptOss", [(True, 4, None), (True, None, None)]),
        ("Bert", [(False, None, None), (False, None, None)]),
        ("ModernBert", [(False, None, None), (False, 3, None)]),
    ],
)
def test_the_rule_says_what_the_model_does(name, rules):
    layers = trace_model(model(name), inputs(name)).layers
    assert [(layer.rule.causal, layer.rule.window, layer.rule.softcap) for layer in layers] == rules


def test_grouped_heads_stay_grouped_and_sinks_take_their_share():
    layer = trace_model(model("GptOss"), inputs("GptOss")).layers[0]
    assert (layer.query.shape[0], layer.key.shape[0], layer.kv_head(3)) == (4, 2, 1)
    assert bool((layer.steps().weights.sum(-1) < 1).all())


def test_a_window_longer_than_the_text_is_still_said():
    layer = trace_model(model("Mistral"), inputs("Mistral", tokens=3)).layers[0]
    assert (layer.rule.causal, layer.rule.window) == (True, 4)


@pytest.mark.parametrize("name", [*DECODERS, "Bert", "ModernBert", "T5"])
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.some(5)
def test_padding_is_hidden_in_as_little_as_it_needs(name, left):
    network, given = model(name), inputs(name)
    seen = torch.ones_like(given["input_ids"])
    padding = slice(0, 3) if left else slice(-3, None)
    seen[:, padding] = 0
    given = {**given, "attention_mask": seen}
    trace = trace_model(network, given)
    for layer, weights in zip(trace.layers, eager_attentions(network, given), strict=True):
        if layer.stack != "decoder" and not lowers_whole_rows(layer):
            assert layer.rule.mask.shape == (1, 12)
            assert torch.equal(layer.rule.mask[0], seen[0].bool())
        sees = ~layer.steps().blind  # a bool mask may leave a query nothing to see, which plain code never does
        torch.testing.assert_close(layer.steps().weights[sees], weights[sees], atol=1e-5, rtol=0)


def lowers_whole_rows(layer: Layer) -> bool:
    """Whether plain code lowers all keys of a query alike: it then looks at all of them evenly, and is not hidden."""
    bias = layer.rule.bias
    return isinstance(bias, torch.Tensor) and bool((bias == bias[..., :1]).all(-1).any())


@pytest.mark.parametrize("name", ["Llama", "Gemma2", "GptOss"])
def test_a_query_whose_keys_plain_code_lowers_alike_has_the_model_s_own_weights(name):
    network, given = model(name), inputs(name)
    seen = torch.ones_like(given["input_ids"])
    seen[:, :3] = 0
    given = {**given, "attention_mask": seen}
    before = network.config._attn_implementation
    network.set_attn_implementation("eager")
    try:
        trace, attentions = trace_model(network, given), eager_attentions(network, given)
    finally:
        network.set_attn_implementation(before)
    for layer, weights in zip(trace.layers, attentions, strict=True):
        assert lowers_whole_rows(layer)
        assert not layer.steps().blind.any()
        torch.testing.assert_close(layer.steps().weights, weights, atol=1e-5, rtol=0)


@pytest.mark.parametrize("factor", [1.005, 0.995, 1 + 1e-6])
def test_a_scale_near_the_usual_one_is_kept_as_it_is(factor):
    def scale_of(scaling):
        query = torch.ones(1, 2, 3, 16)
        call = AttentionCall("eager", torch.nn.Identity(), query, query, query, None, {"scaling": scaling})
        return call_rule(call, OncePerTensor()).scale

    assert scale_of(factor / 4) == factor / 4
    assert scale_of(1 / 4) is scale_of(16**-0.5) is None
