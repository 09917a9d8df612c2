"""Layers that wait are compared as those that do not, and nothing that a model does to its outputs later is taken for theirs."""

from __future__ import annotations

import pytest
import torch

from attnviz import AttnvizError, Layer, Rule
from attnviz.sources.recording import comparing
from attnviz.sources.recording.comparing import Comparing
from attnviz.sources.recording.sampled import EACH, SAMPLED

TOKENS, HEADS, WIDTH = 150, 4, 8


def layer(index: int = 0) -> Layer:
    draw = torch.Generator().manual_seed(index)
    query, key, value = (torch.randn(HEADS, TOKENS, WIDTH, generator=draw) for _ in range(3))
    return Layer(query, key, value, Rule(causal=True), index)


def output(of: Layer) -> torch.Tensor:
    """What torch's own kernel computes, (queries, heads, d_v)."""
    made = torch.nn.functional.scaled_dot_product_attention(of.query, of.key, of.value, is_causal=True)
    return made.transpose(0, 1).clone()


@pytest.mark.parametrize("comparison", [SAMPLED, EACH])
def test_a_layer_is_there_once_it_is_settled(comparison):
    waiting = Comparing(comparison)
    kept = [waiting.add("alike", lambda one=one: layer(one), output(layer(one)), plain=False) for one in range(3)]
    assert [one.layer for one in kept] == [None] * 3
    waiting.settle()
    assert [one.layer.index for one in kept] == [0, 1, 2]
    assert all(0 < one.error < 1e-5 for one in kept)
    waiting.settle()  # nothing waits any more


def test_what_waits_takes_no_more_memory_than_it_may(monkeypatch):
    monkeypatch.setattr(comparing, "WAITING", 2 * TOKENS * HEADS * WIDTH * 4)
    waiting = Comparing(EACH)
    kept = [waiting.add(None, lambda one=one: layer(one), output(layer(one)), plain=False) for one in range(4)]
    assert [one.layer is not None for one in kept] == [True, True, True, False]


@pytest.mark.parametrize("comparison", [SAMPLED, EACH])
def test_outputs_are_those_that_the_attention_left(comparison):
    waiting, theirs = Comparing(comparison), output(layer())
    kept = waiting.add("alike", layer, theirs, plain=False)
    theirs.zero_()  # as a gate in place would
    waiting.settle()
    assert kept.error < 1e-5


def test_the_layer_that_differs_is_named():
    waiting = Comparing(SAMPLED)
    for index in range(3):
        theirs = output(layer(index))
        theirs[:, 2] *= 1.01 if index == 1 else 1
        waiting.add("alike", lambda index=index: layer(index), theirs, plain=False)
    with pytest.raises(AttnvizError, match=r"^layer 1: attention recomputed .* head 2 differs by 0\.0099"):
        waiting.settle()
