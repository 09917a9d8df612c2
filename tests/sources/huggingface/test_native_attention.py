"""The attention that a model computes when nobody watches is what it computes when somebody does."""

from __future__ import annotations

import copy
from functools import partial

import pytest
import torch
from own_attention import plain, registered
from tiny_models import inputs, model
from transformers.masking_utils import eager_mask, sdpa_mask
from watched_models import eager_attentions, forward

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.native_attention import attention_output
from attnviz.sources.huggingface.switching import watching


def test_watching_changes_no_logit(traced):
    _, network, given, _ = traced
    untouched = forward(network, given)[0]
    with watching(network):
        watched = forward(network, given)[0]
    assert torch.equal(watched, untouched)


@pytest.mark.parametrize("name", ["Mistral", "Gemma2", "GptOss"])
def test_plain_code_on_some_queries_at_a_time_changes_nothing(name):
    network, given = model(name), inputs(name, tokens=40)
    untouched = forward(network, given)[0]
    with watching(network, cells=4 * 40 * 7):
        torch.testing.assert_close(forward(network, given)[0], untouched, atol=2e-4, rtol=1e-4)


def attention_of(name: str) -> torch.nn.Module:
    return next(module for module in model(name).modules() if type(module).__name__.endswith("Attention"))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("mask", [None, "bool", "float"])
def test_plain_code_is_torchs_attention_whatever_the_blocks(mask, causal):
    module = attention_of("Llama")
    draw = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, heads, 5, 8, generator=draw) for heads in (4, 2, 2))
    seen = torch.rand(1, 1, 5, 5, generator=draw) < 0.7
    seen |= torch.eye(5, dtype=torch.bool)
    added = torch.where(seen, 0.0, torch.finfo(torch.float32).min)
    given = {None: None, "bool": seen, "float": added}[mask]
    options = {"scaling": 0.4, "softcap": None, "is_causal": causal}
    fast = AttentionCall("sdpa", module, query, key, value, given, options)
    whole = attention_output(fast)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=given, is_causal=causal and mask is None, scale=0.4, enable_gqa=True
    )
    torch.testing.assert_close(whole.transpose(1, 2), expected)
    plain = fast._replace(options=options | {"s_aux": None}, implementation="eager", mask=_as_mask(fast))
    for cells in (1, 4 * 5 * 2, 1 << 20):
        torch.testing.assert_close(attention_output(plain, cells), whole)


def _as_mask(call: AttentionCall) -> torch.Tensor | None:
    """What hides of ``call`` as a mask: plain code takes none as nothing hidden."""
    return torch.ones(5, 5, dtype=torch.bool).tril()[None, None] if call.is_causal else call.mask


def test_a_causal_call_of_plain_code_makes_its_own_mask():
    module = attention_of("Gemma2")
    query = torch.randn(1, 4, 5, 8)
    options = {"scaling": 0.4, "softcap": 1e6, "is_causal": True}
    call = AttentionCall("sdpa", module, query, query[:, :2], query[:, :2], None, options)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, query[:, :2], query[:, :2], is_causal=True, scale=0.4, enable_gqa=True
    )
    for cells in (1, 1 << 20):
        torch.testing.assert_close(attention_output(call, cells).transpose(1, 2), expected, atol=1e-4, rtol=1e-4)


def test_a_bias_by_position_is_cut_as_the_queries_are():
    module = attention_of("T5")
    query, bias = torch.randn(1, 4, 5, 8), torch.randn(1, 4, 5, 5)
    call = AttentionCall("eager", module, query, query, query, None, {"scaling": 1.0, "position_bias": bias})
    torch.testing.assert_close(attention_output(call, 1), attention_output(call))
    shared = call._replace(options={"scaling": 1.0, "position_bias": bias[:, :, :1]})
    torch.testing.assert_close(attention_output(shared, 1), attention_output(shared))


def test_a_module_without_plain_code_is_refused():
    query = torch.randn(1, 4, 5, 8)
    with pytest.raises(AttnvizError, match="Linear has no attention function of its own to compare with"):
        attention_output(AttentionCall("eager", torch.nn.Linear(1, 1), query, query, query, None, {}))


def asking_for(attention: str, name: str) -> torch.nn.Module:
    network = copy.deepcopy(model(name))
    network.set_attn_implementation(attention)
    return network


@pytest.mark.parametrize("mask", [None, sdpa_mask, eager_mask])
@pytest.mark.parametrize("name", ["Llama", "Mistral"])
def test_attention_that_somebody_registered_is_what_is_compared(name, mask):
    with registered(plain, mask) as own:
        trace = trace_model(asking_for(own, name), inputs(name))
    expected = eager_attentions(model(name), inputs(name))
    for layer, weights in zip(trace.layers, expected, strict=True):
        torch.testing.assert_close(layer.steps().weights, weights, atol=1e-5, rtol=0)


@pytest.mark.parametrize("mask", [None, sdpa_mask])
def test_a_mistake_in_attention_that_somebody_registered_is_found(mask):
    with (
        registered(partial(plain, factor=1.5), mask) as own,
        pytest.raises(AttnvizError, match=r"layer 0: attention recomputed .* head 2 differs"),
    ):
        trace_model(asking_for(own, "Llama"), inputs("Llama"))


def test_masks_that_cannot_be_read_are_refused():
    with (
        registered(plain, lambda *_, **__: "a mask") as own,
        pytest.raises(AttnvizError, match="the attention somebodys_own has masks of a kind of its own") as error,
    ):
        trace_model(asking_for(own, "Llama"), inputs("Llama"))
    assert 'attn_implementation="sdpa"' in str(error.value.hint)
