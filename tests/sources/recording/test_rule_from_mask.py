"""From masks to the words of a rule, and back."""

from __future__ import annotations

import pytest
import torch

from attnviz.sources.recording.rule_from_mask import distance_bias, visibility


@pytest.mark.parametrize("tokens", [1, 5, 9])
@pytest.mark.parametrize("window", [None, 1, 3, 9])
@pytest.mark.parametrize("causal", [True, False])
def test_a_mask_is_put_into_words_and_back(tokens, window, causal):
    distance = torch.arange(tokens)[:, None] - torch.arange(tokens)
    mask = torch.ones(tokens, tokens, dtype=torch.bool)
    mask &= distance >= 0 if causal else True
    mask &= distance.abs() < window if window else True
    said = visibility(mask[None])
    again = torch.ones(tokens, tokens, dtype=torch.bool)
    again &= distance >= 0 if said.causal else True
    again &= distance.abs() < said.window if said.window else True
    assert said.mask is None
    assert torch.equal(again, mask)
    added = torch.where(mask, 0.0, torch.finfo(torch.float32).min)  # the same, as models add it
    assert visibility(added[None]) == said


def test_a_mask_that_is_nothing_simple_is_kept():
    mask = torch.rand(2, 6, 6, generator=torch.Generator().manual_seed(0)) > 0.4
    assert torch.equal(visibility(mask).mask, mask)
    assert torch.equal(visibility(mask[:1]).mask, mask[0])
    bias = torch.randn(1, 6, 6)
    assert torch.equal(visibility(bias).bias, bias[0])


def test_a_bias_of_the_distance_alone_is_held_as_its_distances():
    by_distance = torch.randn(2, 9)
    queries, keys = torch.arange(4)[:, None], torch.arange(6)
    bias = by_distance[:, keys - queries + 3]  # (heads, queries, keys)
    held = distance_bias(bias)
    assert held.strides[1] == -held.strides[2]
    assert torch.equal(torch.tensor(held.copy()), bias)


def test_a_bias_of_more_than_the_distance_is_kept_and_one_of_zeros_is_none():
    bias = torch.randn(2, 4, 4)
    assert distance_bias(bias) is bias
    assert distance_bias(bias[:, :1]).shape == (2, 1, 4)
    assert distance_bias(torch.zeros(2, 4, 4)) is None


def test_what_a_float_mask_adds_beside_hiding_stays_a_bias():
    bias = torch.tensor([[[0.5, torch.finfo(torch.float16).min], [0.0, 1.0]]], dtype=torch.float16)
    assert visibility(bias).bias.tolist() == [[0.5, float("-inf")], [0.0, 1.0]]
