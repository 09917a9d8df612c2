"""Masks, biases, softcaps and sinks of public issues, their code rebuilt from the reports in plain torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (as everybody writes it)
from replaying import Replay, drawn, replay

TOKENS = 6
LOWER = torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril()
PADDING = torch.arange(TOKENS) < torch.tensor([[4], [6]])  # (batch, keys): the first item has two tokens less


@replay("rasbt/LLMs-from-scratch#1061", "mask-inverted")
def true_means_the_other_thing() -> Replay:
    """The upper triangle, True where a token may not look, goes to a function that reads True as: may look."""
    query, key, value = (drawn(2, 3, TOKENS, 8) for _ in range(3))
    attn_mask = torch.triu(torch.ones(TOKENS, TOKENS), diagonal=1).bool()
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=attn_mask)
    return Replay(query, key, value, output, mask=LOWER)


@replay("huggingface/diffusers#8886", "mask-missing")
def the_mask_is_not_passed_on() -> Replay:
    """Padded positions keep their scores: the call has no attn_mask."""
    query, key, value = (drawn(2, 3, TOKENS, 8) for _ in range(3))
    output = F.scaled_dot_product_attention(query, key, value, dropout_p=0.0, scale=8**-0.5, is_causal=False)
    return Replay(query, key, value, output, mask=PADDING[:, None, None, :])


@replay("pytorch/pytorch#21518", "mask-added")
def ones_and_zeros_are_added() -> Replay:
    """attn_mask is the lower triangle of ones, and is added to the scores."""
    query, key, value = (drawn(2, TOKENS, 8) for _ in range(3))
    attn_mask = torch.tril(torch.ones((TOKENS, TOKENS)))
    weights = torch.baddbmm(attn_mask, query / 8**0.5, key.transpose(-2, -1)).softmax(-1)
    return Replay(query, key, value, torch.bmm(weights, value), mask=LOWER)


@replay("georg-wolflein/good-features#1", "mask-zero-scores")
def scores_are_multiplied_by_the_mask() -> Replay:
    """0 is no low score: softmax gives it a weight."""
    query, key, value = (drawn(2, 3, TOKENS, 8) for _ in range(3))
    scores = query @ key.transpose(-2, -1) / 8**0.5
    weights = torch.softmax(scores * PADDING[:, None, None, :], dim=-1)
    return Replay(query, key, value, weights @ value, mask=PADDING[:, None, None, :])


@replay("hyunwoongko/transformer#40", "mask-wrong-axis")
def padding_hides_queries_in_place_of_keys() -> Replay:
    """unsqueeze(1).unsqueeze(3) puts the padding on the axis of the queries; −10000 keeps their rows finite."""
    query, key, value = (drawn(2, 3, TOKENS, 8) for _ in range(3))
    pad_mask = PADDING.unsqueeze(1).unsqueeze(3)
    score = (query @ key.transpose(2, 3)) / 8**0.5
    score = score.masked_fill(pad_mask == 0, -10000)
    return Replay(query, key, value, score.softmax(-1) @ value, mask=PADDING[:, None, None, :])


@replay("pytorch/pytorch#103963", "hidden-rows-nan")
def rows_without_a_key() -> Replay:
    """A boolean mask with rows of zeros: softmax of −∞ alone."""
    query, key, value = (drawn(1, 2, TOKENS, 8) for _ in range(3))
    mask = torch.zeros(TOKENS, TOKENS, dtype=torch.bool)
    mask[:4, :4] = True
    scores = query @ key.transpose(-2, -1) / 8**0.5
    weights = scores.masked_fill(mask.logical_not(), float("-inf")).softmax(-1)
    return Replay(query, key, value, weights @ value, mask=mask)


@replay("meta-pytorch/attention-gym#86", "bias-negated")
def alibi_with_the_other_sign() -> Replay:
    """q_idx − kv_idx grows with the distance, so that what is far gets more."""
    heads = 4
    query, key, value = (drawn(heads, TOKENS, 8) for _ in range(3))
    q_idx, kv_idx = torch.arange(TOKENS)[:, None], torch.arange(TOKENS)
    scale = torch.exp2(-((torch.arange(heads) + 1) * 8.0 / heads))[:, None, None]
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=(q_idx - kv_idx) * scale)
    return Replay(query, key, value, output, bias=(kv_idx - q_idx) * scale)


@replay("microsoft/onnxruntime#14976", "bias-scaled")
def the_bias_is_added_before_the_scale() -> Replay:
    """(QK' + bias) · scale, where QK' · scale + bias is wanted."""
    query, key, value = (drawn(2, 4, TOKENS, 8) for _ in range(3))
    bias = drawn(4, TOKENS, TOKENS)
    weights = ((query @ key.transpose(-2, -1) + bias) * 8**-0.5).softmax(-1)
    return Replay(query, key, value, weights @ value, bias=bias)


@replay("paiml/aprender#2143", "bias-scaled")
def alibi_slopes_one_factor_too_large() -> Replay:
    """2^(−8h/n) where 2^(−8(h+1)/n) is meant: head 0 has a slope of 1."""
    heads = 8
    query, key, value = (drawn(heads, TOKENS, 8) for _ in range(3))
    distance = (torch.arange(TOKENS) - torch.arange(TOKENS)[:, None]).float()
    used, meant = (2.0 ** (-8 * (torch.arange(heads) + more) / heads) for more in (0, 1))
    output = F.scaled_dot_product_attention(query, key, value, attn_mask=used[:, None, None] * distance)
    return Replay(query, key, value, output, bias=meant[:, None, None] * distance)


@replay("vllm-project/vllm-metal#665", "softcap-missing")
def a_softcap_of_0_is_none() -> Replay:
    """Both calls pass 0.0 for the softcap, which switches it off."""
    query, key, value = (drawn(4, TOKENS, 8) * 4 for _ in range(3))

    def kernel(scores: torch.Tensor, softcap: float) -> torch.Tensor:
        return softcap * torch.tanh(scores / softcap) if softcap else scores

    weights = kernel(query @ key.transpose(-2, -1) * 8**-0.5, 0.0).softmax(-1)
    return Replay(query, key, value, weights @ value, softcap=5.0)


@replay("onnx/onnx#7865", "softcap-after-mask")
def the_softcap_brings_hidden_keys_back() -> Replay:
    """The mask is added first: −∞ becomes −softcap, which is finite."""
    softcap = 2.0
    query, key, value = (drawn(2, 4, TOKENS, 8) for _ in range(3))
    attn_bias = torch.zeros(TOKENS, TOKENS).masked_fill(~LOWER, float("-inf"))
    scores = query @ key.transpose(-2, -1) * 8**-0.5 + attn_bias
    weights = (softcap * torch.tanh(scores / softcap)).softmax(-1)
    return Replay(query, key, value, weights @ value, softcap=softcap, mask=LOWER)


@replay("vllm-project/vllm-metal#550", "sinks-missing")
def sinks_that_are_never_bound() -> Replay:
    """use_sinks is false whatever comes: a plain softmax."""
    query, key, value = (drawn(4, TOKENS, 8) for _ in range(3))
    output = F.scaled_dot_product_attention(query, key, value)
    return Replay(query, key, value, output, sinks=torch.tensor([2.0, 0.5, 1.0, -1.0]))
