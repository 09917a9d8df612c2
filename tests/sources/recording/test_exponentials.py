"""A softmax that is written out is one."""

from __future__ import annotations

import pytest
import torch
from written_attention import KEYS, QUERIES, require_own, require_weights_alone, tensors

import attnviz

QUERY, KEY, VALUE = tensors()
CAUSAL = torch.ones(QUERIES, KEYS).tril()


def shifted(scores):
    return torch.exp(scores - scores.amax(-1, keepdim=True))


def quotient():
    exponentials = shifted(QUERY @ KEY.mT / 2)
    return exponentials / exponentials.sum(-1, keepdim=True) @ VALUE


def unsqueezed():
    exponentials = shifted(QUERY @ KEY.mT)
    return exponentials / exponentials.sum(dim=-1).unsqueeze(-1) @ VALUE


def after_the_values():
    exponentials = shifted(QUERY @ KEY.mT)
    return (exponentials @ VALUE) / exponentials.sum(dim=(-1,), keepdim=True)


def masked():
    exponentials = shifted(QUERY @ KEY.mT) * CAUSAL
    return exponentials / (exponentials.sum(axis=-1, keepdim=True) + 1e-9) @ VALUE


def logarithm():
    return torch.log_softmax(QUERY @ KEY.mT, dim=-1).exp() @ VALUE


@pytest.mark.parametrize("attention", [quotient, unsqueezed, after_the_values, masked, logarithm])
def test_it_is_recorded(attention):
    require_own(attention)


def test_one_more_in_the_sum_is_no_softmax():
    def attention():
        exponentials = QUERY @ KEY.mT
        exponentials = exponentials.exp()
        return exponentials / (1 + exponentials.sum(-1, keepdim=True)) @ VALUE

    with attnviz.record() as recording:
        attention()
    (layer,) = recording.layers
    assert "weights recomputed" in layer.notes[0]


@pytest.mark.parametrize(
    "attention",
    [
        lambda exponentials: exponentials / exponentials.sum() @ VALUE,
        lambda exponentials: exponentials / exponentials.amax(-1, keepdim=True) @ VALUE,
        lambda exponentials: exponentials * 0.3 @ VALUE,
        lambda _: torch.log_softmax(VALUE, -1).exp(),
        lambda exponentials: exponentials.view(-1, KEYS) / exponentials.sum(-1).view(-1, 1),
    ],
)
def test_other_exponentials_are_no_attention(attention):
    with attnviz.record() as recording:
        attention(shifted(QUERY @ KEY.mT))
    assert len(recording.layers) == 0


def test_scores_that_have_no_name_are_none_in_exponentials_either():
    def attention():
        exponentials = torch.relu(QUERY @ KEY.mT).softmax(-1)
        return exponentials @ VALUE

    require_weights_alone(attention, because="relu")
