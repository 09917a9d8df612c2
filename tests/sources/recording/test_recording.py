"""Recording modules of torch, and attention written by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

import attnviz
from attnviz import AttnvizError
from attnviz.trace.recorded import How, Kept


@pytest.fixture
def x():
    torch.manual_seed(0)
    return torch.randn(2, 5, 16)


class Handwritten(nn.Module):
    """nanoGPT's attention as it stands in its repository, without flash."""

    def __init__(self) -> None:
        super().__init__()
        self.c_attn, self.c_proj, self.n_head = nn.Linear(16, 48), nn.Linear(16, 16), 4
        self.register_buffer("mask", torch.tril(torch.ones(8, 8)).view(1, 1, 8, 8))

    def forward(self, x):
        batch, tokens, width = x.shape
        query, key, value = (
            one.view(batch, tokens, self.n_head, -1).transpose(1, 2) for one in self.c_attn(x).split(width, 2)
        )
        scores = (query @ key.transpose(-2, -1)) * (1.0 / math.sqrt(key.size(-1)))
        scores = scores.masked_fill(self.mask[:, :, :tokens, :tokens] == 0, float("-inf"))
        weights = functional.dropout(functional.softmax(scores, dim=-1), 0.1, self.training)
        return self.c_proj((weights @ value).transpose(1, 2).reshape(batch, tokens, width))


def test_attention_written_by_hand_becomes_a_trace_whose_weights_are_its_own(x):
    module = Handwritten().eval()
    before = module(x)
    with attnviz.record(module) as recording:
        after = module(x)
    assert torch.equal(before, after)
    (layer,) = recording.layers
    assert (layer.how, layer.kept, layer.items, layer.heads, layer.queries) == (How.BY_HAND, Kept.WHOLE, 2, 4, 5)
    assert layer.error < 1e-6
    trace = recording.trace(list("abcde"), item=1)
    assert trace.tokens == tuple("abcde")
    assert trace.layers[0].rule.causal
    query, key, value = (one.view(2, 5, 4, 4).transpose(1, 2) for one in module.c_attn(x).split(16, 2))
    theirs = functional.scaled_dot_product_attention(query, key, value, is_causal=True)[1]
    assert torch.allclose(trace.layers[0].steps().output, theirs, atol=1e-6)


@pytest.mark.parametrize("need_weights", [True, False])
def test_multihead_attention_gives_the_weights_that_it_returns(x, need_weights):
    module = nn.MultiheadAttention(16, 4, batch_first=True)
    hidden = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    _, theirs = module(x, x, x, key_padding_mask=hidden, average_attn_weights=False)
    with attnviz.record(module) as recording:
        module(x, x, x, key_padding_mask=hidden, need_weights=need_weights, average_attn_weights=False)
    (layer,) = recording.layers
    assert layer.kept is Kept.WHOLE
    assert layer.error < 1e-6
    for item in range(2):
        assert torch.allclose(recording.trace(item=item).layers[0].steps().weights, theirs[item], atol=1e-6)


class TalkingHeads(nn.Module):
    """Shazeer et al. 2020 (2003.02436): the scores of all heads are mixed before the softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.randn(4, 4))

    def forward(self, x):
        heads = x.view(2, 5, 4, 4).transpose(1, 2)
        scores = torch.einsum("bhqk,hg->bgqk", heads @ heads.mT, self.mix)
        return scores.softmax(-1) @ heads


def test_talking_heads_are_kept_as_weights_alone_and_said_so(x):
    with attnviz.record() as recording:
        TalkingHeads()(x)
    (layer,) = recording.layers
    assert (layer.kept, layer.error) == (Kept.WEIGHTS, None)
    assert "mixed with each other before the softmax" in repr(recording.layers)


def test_what_runs_no_attention_says_so():
    with attnviz.record(nn.Linear(3, 3)) as recording:
        pass
    with pytest.raises(AttnvizError, match="no attention ran"):
        recording.trace()
    assert repr(recording.layers) == "No attention ran in this recording."
