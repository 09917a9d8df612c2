"""What a module gives to its attention, and what follows from it."""

from __future__ import annotations

import pytest
import torch
from own_attention import plain, registered

from attnviz.sources.huggingface.attention_call import AttentionCall, is_plain


class Causal(torch.nn.Module):
    is_causal = True


class Open(torch.nn.Module):
    is_causal = False


def call(implementation="sdpa", module=None, queries=3, mask=None, **options) -> AttentionCall:
    query, key = torch.zeros(1, 4, queries, 8), torch.zeros(1, 2, 5, 8)
    return AttentionCall(implementation, module or Causal(), query, key, key, mask, options)


def test_queries_and_keys_are_counted():
    assert (call().queries, call().keys) == (3, 5)


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (call(), False),
        (call("eager"), True),
        (call(softcap=2.0), True),
        (call(s_aux=torch.zeros(4)), True),
        (call(softcap=None, s_aux=None), False),
    ],
)
def test_plain_code_computes_what_the_fast_kernel_cannot(given, plain):
    assert given.is_plain is plain
    assert is_plain(given.implementation, given.options) is plain


@pytest.mark.parametrize(
    ("given", "causal"),
    [
        (call(), True),
        (call(module=Open()), False),
        (call(module=torch.nn.Linear(1, 1)), True),  # sdpa takes it so where a module says nothing
        (call(is_causal=False), False),
        (call(module=Open(), is_causal=True), True),
        (call(queries=1), False),
        (call(mask=torch.ones(1, 1, 3, 5, dtype=torch.bool)), False),
        (call("eager"), False),
    ],
)
def test_causal_is_what_no_mask_says(given, causal):
    assert given.is_causal is causal


def test_what_somebody_registered_is_his_own_code():
    with registered(plain) as own:
        assert call(own).own_kernel is plain
        assert call(own).rounds_each_step
    assert call(own).own_kernel is None


@pytest.mark.parametrize(
    ("name", "rounds"), [("sdpa", False), ("flash_attention_2", False), ("eager", True), (None, False)]
)
def test_what_comes_with_transformers_is_nobodys_own(name, rounds):
    assert call(name).own_kernel is None
    assert call(name).rounds_each_step is rounds


def test_calls_that_follow_the_same_rule_are_alike():
    mask = torch.ones(1, 1, 3, 5, dtype=torch.bool)
    assert call(scaling=0.5).alike == call(scaling=0.5).alike
    assert call(mask=mask).alike == call(mask=mask).alike
    others = [
        call(),
        call(scaling=0.5),
        call(sliding_window=2),
        call(softcap=2.0),
        call(module=Open()),
        call(queries=2),
        call(mask=mask),
        call(mask=mask.clone()),
        call(mask=mask[..., :1]),
        call(mask=mask.view(torch.uint8)),
    ]
    assert len({one.alike for one in others}) == len(others)


@pytest.mark.parametrize(
    "options",
    [{"position_bias": torch.zeros(1)}, {"s_aux": torch.zeros(4)}, {"sliding_window": [3]}, {"scaling": torch.ones(1)}],
    ids=str,
)
def test_where_numbers_must_be_looked_at_nothing_is_alike(options):
    assert call(**options).alike is None
