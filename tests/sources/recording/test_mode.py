"""The mode sees what a module calls, and changes nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import multi_head_attention_forward

import attnviz
from attnviz.sources.recording.mode import SeeingMode, function_name
from attnviz.trace.recorded import How


def names(code):
    seen = []
    with SeeingMode(lambda name, *_: seen.append(name)):
        code()
    return seen


def test_functions_methods_and_attributes_are_seen_by_their_names():
    tensor = torch.ones(2, 2)
    assert names(lambda: (tensor @ tensor).mT.softmax(-1)) == ["matmul", "mT", "softmax"]
    assert names(lambda: (tensor.shape, tensor.size(), len(tensor))) == []
    assert function_name(object()) == ""


def test_what_is_done_with_what_is_seen_is_not_seen_itself():
    tensor, seen = torch.ones(2, 2), []

    def saw(name, *_):
        seen.append(name)
        tensor.exp()

    with SeeingMode(lambda name, *_: seen.append(f"outer {name}")), SeeingMode(saw):
        tensor.sin()
    assert seen == ["outer sin", "sin"]


def given(masked: bool, batch_first: bool):
    torch.manual_seed(0)
    sizes = ((2, 5, 8), (2, 6, 8)) if batch_first else ((5, 2, 8), (6, 2, 8))
    query, key = (torch.randn(size) for size in sizes)
    options = {
        "attn_mask": torch.ones(5, 6).triu(2).bool(),
        "key_padding_mask": torch.arange(6) >= torch.tensor([[5], [6]]),
    }
    return (query, key, key), options if masked else {}


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_first": False},
        {"add_bias_kv": True},
        {"add_zero_attn": True},
        {"kdim": 8, "vdim": 8, "bias": False},
    ],
    ids=lambda options: next(iter(options), "plain"),
)
@pytest.mark.some(12)
def test_multihead_attention_in_all_its_ways(options, masked, need_weights, training):
    options = {"batch_first": True} | options
    module = nn.MultiheadAttention(8, 2, **options).train(training)
    tensors, masks = given(masked, options["batch_first"])
    before, theirs = module(*tensors, **masks, average_attn_weights=False)
    with attnviz.record(module) as recording:
        after, _ = module(*tensors, **masks, need_weights=need_weights)
    assert torch.allclose(before, after, atol=1e-6)
    (layer,) = recording.layers
    assert layer.error < 1e-6
    assert layer.how is (How.BY_HAND if need_weights else How.SDPA)
    assert (layer.items, layer.heads, layer.queries) == (2, 2, 5)
    for item in range(2):
        found = recording.trace(item=item).layers[0]
        assert torch.allclose(found.steps().weights, theirs[item], atol=1e-6)
        assert found.kind == "cross"
        result = found.projected(found.concat(found.steps().output))
        assert torch.allclose(result, before[item] if options["batch_first"] else before[:, item], atol=1e-5)


def test_the_function_itself_runs_its_own_code():
    query = torch.randn(5, 2, 8)
    weight, bias, out = torch.randn(24, 8), torch.zeros(24), torch.randn(8, 8)
    call = (query, query, query, 8, 2, weight, bias, None, None, False, 0.0, out, None)
    before = multi_head_attention_forward(*call)
    with attnviz.record() as recording:
        after = multi_head_attention_forward(*call)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert len(recording.layers) == 1


@pytest.mark.parametrize("norm_first", [False, True])
def test_a_transformer_encoder_with_padding_that_it_would_nest(norm_first):
    module = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first), 2, enable_nested_tensor=False
    ).eval()
    tokens, hidden = torch.randn(2, 6, 8), torch.arange(6) >= torch.tensor([[4], [6]])
    with torch.no_grad():
        fast = module(tokens, src_key_padding_mask=hidden)
        with attnviz.record(module) as recording:
            slow = module(tokens, src_key_padding_mask=hidden)
    assert torch.allclose(fast[~hidden], slow[~hidden], atol=1e-5)
    assert [layer.path for layer in recording.layers] == ["layers.0.self_attn", "layers.1.self_attn"]
    assert recording.trace().layers[0].rule.mask.tolist() == [[True] * 4 + [False] * 2]
    assert "torch's fast path" in repr(recording.layers)


def test_what_is_compiled_meanwhile_still_compiles():
    compiled = torch.compile(lambda tensor: tensor.sin() + 1, backend="eager")
    with attnviz.record():
        assert torch.allclose(compiled(torch.ones(3)), torch.ones(3).sin() + 1)
