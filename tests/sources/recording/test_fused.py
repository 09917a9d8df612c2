"""scaled_dot_product_attention with everything that it takes."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention as sdpa
from written_attention import HEADS, ITEMS, KEYS, QUERIES, recorded, require_own, tensors

from attnviz.trace.recorded import How, Kept

QUERY, KEY, VALUE = tensors()
MASK = torch.rand(ITEMS, 1, QUERIES, KEYS) > 0.3
MASK[..., 0] = True
CALLS = {
    "plain": lambda: sdpa(QUERY, KEY, VALUE),
    "a scale": lambda: sdpa(QUERY, KEY, VALUE, scale=0.3),
    "causal": lambda: sdpa(QUERY, KEY, VALUE, is_causal=True),
    "a mask": lambda: sdpa(QUERY, KEY, VALUE, MASK),
    "a mask of the keys": lambda: sdpa(QUERY, KEY, VALUE, attn_mask=MASK[0, 0, :1]),
    "a bias": lambda: sdpa(query=QUERY, key=KEY, value=VALUE, attn_mask=torch.randn(HEADS, QUERIES, KEYS)),
    "a low bias": lambda: sdpa(QUERY, KEY, VALUE, torch.where(MASK, 0.0, torch.finfo(torch.float32).min)),
    "a value of its own width": lambda: sdpa(QUERY, KEY, torch.cat([VALUE, VALUE], -1)),
    "one key head": lambda: sdpa(QUERY, KEY[:, :1], VALUE[:, :1], enable_gqa=True),
    "keys that items share": lambda: sdpa(QUERY, KEY[:1], VALUE[:1]),
}


@pytest.mark.parametrize("name", CALLS)
def test_it_is_what_torch_computes(name):
    _, facts = require_own(CALLS[name])
    assert facts.how is How.SDPA
    assert (facts.items, facts.heads, facts.queries, facts.keys) == (ITEMS, HEADS, QUERIES, KEYS)


def test_its_rule_in_words():
    layer, _ = require_own(lambda: sdpa(QUERY, KEY, VALUE, is_causal=True, scale=1 / math.sqrt(4)))
    assert (layer.rule.causal, layer.rule.query_offset, layer.rule.scale) == (True, 0, None)
    grouped, facts = require_own(CALLS["one key head"])
    assert (grouped.key.shape[0], facts.kv_heads) == (1, 1)


@pytest.mark.parametrize(
    ("lead", "items", "heads"), [((), 1, 1), ((6,), 6, 1), ((2, 3, 4), 2, 12), ((2, 2, 2, 2), 2, 8)]
)
def test_other_numbers_of_axes(lead, items, heads):
    query = torch.randn(*lead, 5, 4)
    mask = torch.rand(*lead, 5, 5) > 0.2
    mask[..., 0] = True
    for given in (None, mask, mask[(0,) * len(lead)]):
        _, facts = require_own(
            lambda given=given: sdpa(query, query, query, given), layout=lambda o: o.reshape(items, heads, 5, 4)
        )
        assert (facts.items, facts.heads) == (items, heads)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_types(dtype):
    recording, result, layer = recorded(lambda: sdpa(*(one.to(dtype) for one in (QUERY, KEY, VALUE))))
    assert layer.kept is Kept.WHOLE
    found = recording.trace().layers[0].steps().output
    assert torch.allclose(found.to(dtype), result[0], atol=2e-2)


def test_autocast_gives_the_kernel_another_type():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        recording, result, layer = recorded(lambda: sdpa(QUERY, KEY, VALUE))
    assert layer.kept is Kept.WHOLE, layer.notes
    assert result.dtype is torch.bfloat16
    assert recording.trace().layers[0].query.dtype is torch.bfloat16


def test_dropout_is_said_and_nothing_is_compared():
    _, _, layer = recorded(lambda: sdpa(QUERY, KEY, VALUE, dropout_p=0.5))
    assert (layer.kept, layer.error) == (Kept.WHOLE, None)
    assert "dropout was on" in layer.notes[0]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_are_refused_in_words():
    lengths = [torch.randn(HEADS, size, 4) for size in (3, 5)]
    nested = torch.nested.nested_tensor([one.transpose(0, 1) for one in lengths], layout=torch.jagged).transpose(1, 2)
    _, _, layer = recorded(lambda: sdpa(nested, nested, nested))
    assert layer.kept is Kept.NOTHING
    assert "nested tensors" in layer.notes[0]
