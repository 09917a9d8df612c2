"""What is done to scores becomes a Rule."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional
from written_attention import HEADS, KEYS, QUERIES, recorded, require_own, require_weights_alone, tensors

QUERY, KEY, VALUE = tensors()
CAUSAL = torch.ones(QUERIES, KEYS).tril()
BIAS = torch.randn(HEADS, QUERIES, KEYS)
LOWEST = torch.finfo(torch.float32).min


def attention(change):
    """softmax(change(QKᵀ)) V"""
    return lambda: change(QUERY @ KEY.mT).softmax(-1) @ VALUE


def filled_in_place(scores):
    scores[:, :, CAUSAL == 0] = -math.inf
    return scores


def changed_in_place(scores):
    scores /= 2
    scores += BIAS
    scores.mul_(0.5).sub_(1.0)
    return scores


CHANGES = {
    "nothing": lambda scores: scores,
    "divided": lambda scores: scores / 2,
    "times": lambda scores: 0.3 * scores,
    "negated": lambda scores: -scores,
    "subtracted from": lambda scores: 1 - scores,
    "subtracted from a bias": lambda scores: BIAS - scores,
    "torch.sub": lambda scores: torch.sub(scores, BIAS, alpha=2),
    "torch.add": lambda scores: torch.add(BIAS, scores, alpha=2),
    "added first": lambda scores: torch.add(scores, BIAS, alpha=2),
    "a bias": lambda scores: scores + BIAS,
    "a bias of each item": lambda scores: scores + torch.arange(KEYS) * torch.tensor([1.0, 2.0])[:, None, None, None],
    "a bias, then a factor": lambda scores: (scores + BIAS) * 0.5,
    "in place": changed_in_place,
    "filled in place": filled_in_place,
    "masked": lambda scores: scores.masked_fill(CAUSAL == 0, -math.inf),
    "masked twice": lambda scores: scores.masked_fill(CAUSAL == 0, -math.inf).masked_fill_(CAUSAL == 0, -1e9),
    "masked low": lambda scores: scores.masked_fill(CAUSAL == 0, -1e9),
    "where": lambda scores: torch.where(CAUSAL.bool(), scores, -math.inf),
    "where, the other way": lambda scores: torch.where(CAUSAL == 0, torch.tensor(LOWEST), scores),
    "the method where": lambda scores: scores.where(CAUSAL.bool(), torch.tensor(-math.inf)),
    "an additive mask": lambda scores: scores + (1 - CAUSAL) * LOWEST,
    "zeros and ones": lambda scores: scores * CAUSAL - 1e4 * (1 - CAUSAL),
    "softcap": lambda scores: 2 * torch.tanh(scores / 2),
    "softcap and a bias": lambda scores: 2 * torch.tanh(scores / 2) + BIAS,
    "shifted by the largest": lambda scores: scores - scores.amax(-1, keepdim=True),
    "a factor of each head": lambda scores: scores * torch.rand(HEADS, 1, 1),
    "a factor of each query": lambda scores: scores * torch.rand(QUERIES, 1),
    "a factor of each key": lambda scores: scores * torch.rand(KEYS),
    "in float64 and back": lambda scores: scores.double().float().contiguous().clone(),
    "clamped to no effect": lambda scores: scores.clamp(-1e4, 1e4),
    "several items in one axis": lambda scores: scores.flatten(0, 1).view(2, HEADS, QUERIES, KEYS),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_done_to_scores_is_recorded(name):
    require_own(attention(CHANGES[name]))


UNNAMED = {
    "a tanh of more": (lambda scores: torch.tanh(scores + BIAS), "a tanh is taken"),
    "a capped factor": (lambda scores: torch.tanh(scores) * BIAS.abs(), "capped"),
    "a quotient": (lambda scores: 1 / (scores + 9), "changed by"),
    "a divisor": (lambda scores: BIAS / (scores + 9), "divided by the scores"),
    "clamped": (lambda scores: scores.clamp(-0.1, 0.1), "changed by clamp"),
    "relu": (lambda scores: scores.relu(), "changed by relu"),
    "a factor of each score": (lambda scores: scores * BIAS, "factor of its own"),
    "talking heads": (lambda scores: torch.einsum("bhqk,hg->bgqk", scores, torch.randn(3, 3)), "mixed with each other"),
    "from the input": (lambda scores: scores + QUERY.mean() * BIAS, "depends on the input"),
    "as large as the scores": (lambda scores: scores + (QUERY * 2) @ KEY.mT.exp(), "depends on the input"),
    "dropout": (lambda scores: functional.dropout(scores, 0.5), "dropout changes the scores"),
    "two products": (lambda scores: torch.cat([scores, QUERY @ KEY.mT], -1)[..., :KEYS], "put together"),
}


@pytest.mark.parametrize("name", UNNAMED)
def test_what_has_no_name_leaves_weights_alone(name):
    change, because = UNNAMED[name]
    require_weights_alone(attention(change), because=because)


def test_sinks_are_columns_that_have_no_key():
    sinks = torch.randn(HEADS)

    def attend():
        scores = torch.cat([QUERY @ KEY.mT, sinks[None, :, None, None].expand(2, -1, QUERIES, -1)], dim=-1)
        return (scores - scores.amax(-1, keepdim=True)).softmax(-1)[..., :-1] @ VALUE

    layer, _ = require_own(attend)
    assert torch.equal(layer.rule.sinks, sinks)


def test_a_column_of_zeros_is_a_sink():
    layer, _ = require_own(lambda: functional.pad(QUERY @ KEY.mT + BIAS, (1, 0)).softmax(-1)[..., 1:] @ VALUE)
    assert torch.equal(layer.rule.sinks, torch.zeros(HEADS))


def test_sinks_that_differ_from_query_to_query_leave_weights_alone():
    def attend():
        return torch.cat([QUERY @ KEY.mT, torch.rand(2, HEADS, QUERIES, 1)], -1).softmax(-1)[..., :-1] @ VALUE

    _, _, layer = recorded(attend)
    assert "a sink differs" in layer.notes[0]


def test_scores_that_are_padded_with_themselves_leave_weights_alone():
    def attend():
        scores = QUERY.flatten(0, 1) @ KEY.flatten(0, 1).mT
        return functional.pad(scores, (1, 0), mode="replicate").softmax(-1)[..., 1:] @ VALUE.flatten(0, 1)

    _, _, layer = recorded(attend)
    assert "copies of themselves" in layer.notes[0]


def test_the_rule_says_what_has_a_name():
    square = tensors(KEYS, KEYS)
    causal = torch.ones(KEYS, KEYS).tril() == 0
    layer, _ = require_own(
        lambda: (3 * torch.tanh(square[0] @ square[1].mT / 6)).masked_fill(causal, -math.inf).softmax(-1) @ square[2]
    )
    assert (layer.rule.softcap, layer.rule.causal, layer.rule.mask, layer.rule.bias) == (3.0, True, None, None)
    assert layer.rule.scale is None  # 1/√4
