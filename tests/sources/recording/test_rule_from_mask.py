"""From masks to the words of a rule, and back."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz import attend
from attnviz.sources.recording.rule_from_mask import distance_bias, filled_mask, hiding_mask, mask_in_rule, together


@pytest.mark.parametrize("tokens", [1, 5, 9])
@pytest.mark.parametrize("window", [None, 1, 3, 9])
@pytest.mark.parametrize("causal", [True, False])
def test_a_mask_is_put_into_words_and_back(tokens, window, causal):
    distance = torch.arange(tokens)[:, None] - torch.arange(tokens)
    mask = torch.ones(tokens, tokens, dtype=torch.bool)
    mask &= distance >= 0 if causal else True
    mask &= distance.abs() < window if window else True
    said = mask_in_rule(mask[None])
    again = torch.ones(tokens, tokens, dtype=torch.bool)
    again &= distance >= 0 if said.causal else True
    again &= distance.abs() < said.window if said.window else True
    assert said.mask is None
    assert torch.equal(again, mask)
    added = torch.where(mask, 0.0, torch.finfo(torch.float32).min)  # the same, as models add it
    assert mask_in_rule(added[None]) == said


def test_a_mask_that_is_nothing_simple_is_kept():
    mask = torch.rand(2, 6, 6, generator=torch.Generator().manual_seed(0)) > 0.4
    assert torch.equal(mask_in_rule(mask).mask, mask)
    assert torch.equal(mask_in_rule(mask[:1]).mask, mask[0])
    bias = torch.randn(1, 6, 6)
    assert torch.equal(mask_in_rule(bias).bias, bias[0])


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
    assert mask_in_rule(bias).bias.tolist() == [[0.5, float("-inf")], [0.0, 1.0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_row_that_plain_code_lowers_as_a_whole_keeps_its_weights(dtype):
    """Left padding under a causal mask: the first query's own key is padding, and all others lie ahead of it."""
    low = torch.finfo(dtype).min
    mask = torch.tensor([[low, low, low], [low, 0, low], [low, 0, 0]], dtype=dtype)
    found = mask_in_rule(mask[None])
    assert (found.mask, found.causal) == (None, False)
    weights = attend(*[numpy.random.default_rng(0).normal(size=(3, 4)).astype("float32")] * 3, bias=found.bias).weights
    assert numpy.asarray(weights)[0].tolist() == pytest.approx([1 / 3] * 3)
    assert (numpy.asarray(weights)[1:] > 0).tolist() == [[False, True, False], [False, True, True]]


def test_a_row_of_minus_infinity_sees_nothing():
    mask = torch.tensor([[-torch.inf, -torch.inf], [0.0, -torch.inf]])
    assert mask_in_rule(mask[None]).mask.tolist() == [[False, False], [True, False]]


def test_cells_that_are_filled_with_a_low_number_are_hidden_but_where_a_whole_row_is():
    filled = torch.tensor([[[True, False], [True, True]]])
    assert mask_in_rule(filled_mask(filled, True)).mask.tolist() == [[False, True], [False, False]]
    low = mask_in_rule(filled_mask(filled, False)).bias
    weights = attend(*[numpy.random.default_rng(0).normal(size=(2, 4)).astype("float32")] * 3, bias=low).weights
    assert numpy.asarray(weights).reshape(2, 2).tolist() == [[0.0, 1.0], [0.5, 0.5]]


def test_several_masks_say_what_all_of_them_say_one_by_one():
    places = torch.arange(5)
    distance = places[:, None] - places
    masks = [
        distance[None] >= 0,
        distance[None].abs() < 3,
        (places != 1)[None, None],
        torch.randn(2, 5, 5),
        torch.ones(1, 5, 5),
    ]
    said = together([mask_in_rule(one) for one in masks])
    assert (said.causal, said.window) == (True, 3)
    assert said.mask.tolist() == [[True, False, True, True, True]]
    assert torch.equal(said.bias, masks[3] + 1)
    assert together([]) == (False, None, None, None)


@pytest.mark.parametrize(("lowest", "reach", "hides"), [(-1e9, 800.0, True), (-1e4, 800.0, True), (-1e4, 9e4, False)])
def test_a_number_that_lies_below_all_scores_hides(lowest, reach, hides):
    mask = torch.triu(torch.full((1, 4, 4), lowest), 1)
    said = hiding_mask(mask, lambda: reach)
    assert torch.equal(said, mask == 0 if hides else mask)


def test_a_row_that_is_lowered_as_a_whole_and_a_mask_of_truths_stay():
    lowered = torch.full((1, 4, 4), -1e9)
    assert hiding_mask(lowered, lambda: 800.0) is lowered
    truths = lowered < 0
    assert hiding_mask(truths, lambda: 800.0) is truths
