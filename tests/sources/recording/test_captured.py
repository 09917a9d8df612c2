"""What was captured of a batch is a layer for each of its items."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention as sdpa

from attnviz import AttnvizError
from attnviz.sources.recording.captured import Captured, Copies, shared_keys, split_lead
from attnviz.sources.recording.grouping import Grouping

QUERY, KEY, VALUE = torch.randn(2, 4, 5, 8), torch.randn(2, 4, 5, 8), torch.randn(2, 4, 5, 3)


def made(**options):
    return Captured(QUERY, KEY, VALUE, sdpa(QUERY, KEY, VALUE), **options)


def test_each_item_has_its_own_rule():
    hidden = torch.ones(2, 1, 1, 5, dtype=torch.bool)
    hidden[1, ..., 3:] = False
    bias = torch.randn(1, 4, 5, 5)
    found = replace(made(masks=(hidden, bias)), output=sdpa(QUERY, KEY, VALUE, torch.where(hidden, bias, -torch.inf)))
    assert found.rule(0).mask is None
    assert found.rule(1).mask.tolist() == [[True] * 3 + [False] * 2]
    assert found.error() < 1e-6
    assert found.layer(1, 7, "a.b", "cross").index == 7


def test_what_does_not_agree_is_an_error():
    with pytest.raises(AttnvizError, match="attention recomputed"):
        made(scale=0.5).error()
    with pytest.raises(AttnvizError, match="weights recomputed"):
        made(weights=torch.rand(2, 4, 5, 5)).error()
    assert made(weights=((QUERY @ KEY.mT) / math.sqrt(8)).softmax(-1)).error() < 1e-6
    assert made(dropped=True, scale=0.5).error() is None


@pytest.mark.parametrize("low", [-1e9, -1e4])
def test_a_mask_that_adds_a_low_number_is_put_into_words(low):
    added = torch.full((5, 5), low).triu(1)
    found = replace(made(masks=(added[None, None],)), output=sdpa(QUERY, KEY, VALUE, added))
    assert (found.rule(0).causal, found.rule(0).bias) == (True, None)
    assert found.error() < 1e-6


@pytest.mark.parametrize(
    ("added", "query"),
    [
        (torch.full((5, 5), -1e4).triu(0), QUERY),  # the first row is lowered as a whole
        (torch.full((5, 5), -1e4).triu(1), 1e4 * QUERY),  # such scores reach further
        (torch.full((5, 5), -1e4).triu(1) + torch.eye(5), QUERY),
    ],
)
def test_what_does_more_than_hide_stays_a_bias(added, query):
    found = Captured(query, KEY, VALUE, sdpa(query, KEY, VALUE, added), masks=(added[None, None],))
    assert found.rule(0).bias[0].tolist() == added.tolist()
    found.error()  # and agrees


def test_several_masks_stay_as_they_are_where_they_lower_a_row_together():
    low = torch.full((5, 5), -1e4, dtype=torch.float64)  # in float32 a score beside it is rounded to a thousandth
    one, other = low.triu(1), low.tril(0)
    arrays = [array.double() for array in (QUERY, KEY, VALUE)]
    found = Captured(*arrays, sdpa(*arrays, one + other), masks=(one[None, None], other[None, None]))
    assert found.error() < 1e-9


def test_its_scale_is_left_out_where_it_is_the_usual_one():
    assert made(scale=1 / math.sqrt(8)).rule(0).scale is None
    assert made(scale=0.3).rule(0).scale == 0.3


def test_what_is_kept_is_apart_from_what_ran():
    mask = torch.ones(1, 1, 5, 5, dtype=torch.bool)
    given = QUERY.clone().requires_grad_()
    kept = Captured(given, KEY, VALUE, sdpa(given, KEY, VALUE), masks=(mask,)).apart(Copies())
    mask.fill_(False)
    assert kept.masks[0].all()
    assert (kept.output, kept.query.requires_grad) == (None, False)
    assert kept.query.data_ptr() != given.data_ptr()


def test_other_items_and_heads_have_their_own_masks_and_sinks():
    hidden, sinks = torch.rand(2, 4, 5, 5) > 0.3, torch.full((4,), 0.5)
    hidden[..., 0] = True
    found = made(masks=(hidden, torch.zeros(1, 1, 5, 5)), sinks=sinks)
    shared = replace(found, key=KEY[:, :1], value=VALUE[:, :1])
    for one in (found, shared):
        two = one.grouped(Grouping(2, heads_first=True))  # matrix n of the 8 is head n // 4 of item n % 4
        for number in range(8):
            theirs = one.layer(number // 4).steps().output[number % 4]
            assert torch.allclose(two.layer(number % 4).steps().output[number // 4], theirs, atol=1e-6)


def test_heads_that_share_their_keys():
    shared = [one[:, :2].repeat_interleave(2, dim=1) for one in (KEY, VALUE)]
    assert [one.shape[1] for one in shared_keys(*shared)] == [2, 2]
    assert [one.shape[1] for one in shared_keys(shared[0], VALUE)] == [4, 4]
    assert [one.shape[1] for one in shared_keys(KEY[:, :1].expand_as(KEY), VALUE[:, :1].expand_as(VALUE))] == [1, 1]
    mixed = KEY.clone()
    mixed[:, 3] = mixed[:, 0]
    assert shared_keys(mixed, mixed)[0].shape[1] == 4


@pytest.mark.parametrize(
    ("shape", "lead", "expected"),
    [
        ((1, 1, 5, 6), (2, 4), (1, 1, 5, 6)),
        ((2, 1, 5, 6), (2, 4), (2, 1, 5, 6)),
        ((8, 5, 6), (8,), (2, 4, 5, 6)),
        ((2, 1, 2, 1, 6), (2, 2, 2), (2, 4, 1, 6)),
    ],
)
def test_masks_by_items_and_heads(shape, lead, expected):
    assert split_lead(torch.ones(shape), lead, 2, 4).shape == expected


def test_a_mask_that_layers_share_is_copied_once_and_again_when_it_has_changed():
    copies, mask = Copies(), torch.ones(1, 1, 5, 5)
    first = copies.of(mask)
    assert copies.of(mask) is first
    mask[0, 0, 0, 0] = 5
    assert copies.of(mask)[0, 0, 0, 0] == 5
    assert first[0, 0, 0, 0] == 1
    others = [torch.ones(1) for _ in range(9)]
    assert all(map(torch.equal, map(copies.of, others), others))
    assert len(copies._made) < 9
    with torch.inference_mode():
        given = torch.ones(1, 1, 5, 5)
    assert copies.of(given) is not copies.of(given)
