"""Whether attention recomputed is what the model computed: a wrong map is never shown."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from tiny_models import inputs, model

from attnviz import AttnvizError, Layer, Rule, trace_model
from attnviz.sources.huggingface import watch
from attnviz.sources.recording.agreement import (
    largest_error,
    require_agreement,
    require_all_agrees,
    require_same_outputs,
)


@pytest.mark.parametrize("name", ["Llama", "Gemma2"])
def test_a_wrong_map_is_never_shown(name, monkeypatch):
    def lying(*arguments):
        output = attention_output(*arguments)
        output[0, -1, 2] *= 1.01  # one head of the last query, by a hundredth
        return output

    attention_output = watch.attention_output
    monkeypatch.setattr(watch, "attention_output", lying)
    with pytest.raises(AttnvizError, match=r"^layer 1: attention recomputed .* head 2 differs by"):
        trace_model(model(name), inputs(name), layer=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "change",
    [
        {"scale": 0.4},  # of 0.354
        {"causal": False},
        {"window": 8},
        {"softcap": 1.0},
        {"mask": torch.arange(12)[None] != 5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_wrong_rule_is_never_shown(change, dtype, monkeypatch):
    right = watch.call_rule
    monkeypatch.setattr(watch, "call_rule", lambda *given: dataclasses.replace(right(*given), **change))
    with pytest.raises(AttnvizError, match=r"^layer 0: attention recomputed"):
        trace_model(model("Llama", dtype), inputs("Llama"))


def test_numbers_that_are_not_finite_are_told_with_their_layer():
    network = copy.deepcopy(model("Llama"))
    with torch.no_grad():
        network.model.layers[1].self_attn.v_proj.weight[0, 0] = float("nan")
    with pytest.raises(AttnvizError, match=r"^layer 1: value is not finite: nan at head 0, token 0"):
        trace_model(network, inputs("Llama"))


@pytest.mark.parametrize("values", [99.0, -99.0])
def test_a_query_that_sees_nothing_is_not_compared(values):
    """Its output means nothing: kernels leave 0 there, a mean of all values, or what was in memory."""
    query, key, value = (torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(seed)) for seed in range(3))
    mask = torch.ones(4, 4, dtype=torch.bool)
    mask[1] = False
    layer = Layer(query, key, value, Rule(mask=mask))
    output = (
        torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask).permute(1, 0, 2).clone()
    )
    output[1] = values
    assert largest_error(layer, output)[0] < 1e-6
    output[2] = values
    assert largest_error(layer, output)[0] > 0.5


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("queries", [5, 600])
def test_weights_are_compared_too(queries, causal):
    query, value = torch.randn(2, queries, 4), torch.randn(2, queries, 3)
    seeing = torch.arange(queries)[:, None] > 0  # the first query sees no key
    layer = Layer(query, query, value, Rule(causal=causal, mask=seeing))
    steps = layer.steps()
    weights, output = steps.weights, steps.output.transpose(0, 1).clone()
    weights[:, 0] = 1 / queries
    assert require_all_agrees(layer, output, weights) < 1e-6
    output[-1, 1] += 0.5
    assert require_all_agrees(layer, output, weights, dropped=True) < 1e-6
    with pytest.raises(AttnvizError, match="head 1 differs"):
        require_all_agrees(layer, output, weights)
    weights[1, -20 if queries > 20 else 1, -1] += 0.01  # behind what causal shows
    weights[1, -1, 0] += 0.01
    with pytest.raises(AttnvizError, match=r"weights recomputed from its query and key differ by 0\.01"):
        require_all_agrees(layer, output, weights)


def test_outputs_of_a_kernel_that_agree_are_within_rounding_and_others_are_not():
    query, value = torch.randn(2, 5, 4), torch.randn(2, 5, 3)
    theirs = torch.nn.functional.scaled_dot_product_attention(query, query, value).transpose(0, 1).clone()
    layer = Layer(query, query, value)
    assert require_agreement(layer, theirs) < 1e-6
    theirs[3, 1] += 1
    with pytest.raises(AttnvizError, match="head 1 differs"):
        require_agreement(layer, theirs)
    with pytest.raises(AttnvizError, match=r"^layer 0: query is not finite"):
        require_agreement(Layer(query * torch.nan, query, value), theirs)


def test_scores_that_are_too_large_are_told_by_whoever_looks_at_them():
    query, key, value = torch.ones(1, 3, 2), torch.ones(1, 3, 2), torch.randn(1, 3, 2)
    query[0, 2], key[0, 1] = 3e20, -3e20  # their score is −∞ in float32, so its weight is 0 as it should be
    layer = Layer(query, key, value)
    theirs = torch.nn.functional.scaled_dot_product_attention(query, key, value).transpose(0, 1)
    assert require_agreement(layer, theirs) < 1e-6
    with pytest.raises(AttnvizError, match=r"^the scores are too large for torch\.float32$"):
        layer.steps()


OUTPUTS = torch.randn(3, 4, 6, 5, generator=torch.Generator().manual_seed(2))  # (texts, heads, queries, d_v)
LENGTHS = (6, 2, 4)
THERE = (torch.arange(6) < torch.tensor(LENGTHS)[:, None])[:, None]


def test_outputs_of_several_texts_that_are_the_same_are_as_far_apart_as_their_furthest_head():
    assert require_same_outputs("layer 0", OUTPUTS, OUTPUTS, None) == 0
    other = OUTPUTS.clone()
    other[2, 1, 3, 0] += 1e-6
    expected = float((other - OUTPUTS).abs().max() / other[2, 1, :4].abs().max())
    assert require_same_outputs("layer 0", OUTPUTS, other, THERE) == pytest.approx(expected)


@pytest.mark.parametrize("number", [7.0, float("nan"), float("inf")])
def test_what_padding_gives_is_not_compared(number):
    other = OUTPUTS.clone()
    other[~THERE.expand(3, 4, 6)] = number
    assert require_same_outputs("layer 0", OUTPUTS, other, THERE) == 0
    assert require_same_outputs("layer 0", other, OUTPUTS, THERE) == 0


@pytest.mark.parametrize("number", [7.0, float("nan"), float("inf")])
@pytest.mark.parametrize("there", [None, THERE], ids=["all there", "padded"])
def test_one_wrong_row_of_one_text_is_refused(number, there):
    other = OUTPUTS.clone()
    other[1, 3, 1, 2] = number  # the last token of the second text
    for mine, theirs in ((OUTPUTS, other), (other, OUTPUTS)):
        with pytest.raises(AttnvizError, match=r"^layer 5: attention recomputed .* head 3 differs by"):
            require_same_outputs("layer 5", mine, theirs, there)


def test_a_head_is_held_against_its_own_largest_number_in_each_text():
    """A head whose outputs are small is not told right because others are large."""
    small = OUTPUTS.clone()
    small[1, 2] *= 1e-6
    wrong = small.clone()
    wrong[1, 2, 0] *= 1.01
    with pytest.raises(AttnvizError, match="head 2 differs by"):
        require_same_outputs("layer 0", small, wrong, THERE)
    nothing = torch.zeros_like(OUTPUTS)
    assert require_same_outputs("layer 0", nothing, nothing, THERE) == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_outputs_in_half_precision_may_be_rounded_and_no_more(dtype):
    rounded = OUTPUTS.to(dtype)
    assert 0 < require_same_outputs("layer 0", OUTPUTS, rounded, THERE) < 0.01
    with pytest.raises(AttnvizError, match="attention recomputed"):
        require_same_outputs("layer 0", OUTPUTS, 1.1 * rounded, THERE)
