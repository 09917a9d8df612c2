"""Two mistakes in different places are told as both, each where it is."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz import diagnose

RANDOM = torch.Generator().manual_seed(77)
QUERY, KEY, VALUE = (torch.randn(2, 4, 30, 16, generator=RANDOM) for _ in range(3))
CAUSAL = torch.ones(30, 30, dtype=torch.bool).tril()


def attention(scale=0.25, seen=CAUSAL):
    return (QUERY @ KEY.mT * scale).masked_fill(~seen, -torch.inf).softmax(-1) @ VALUE


def found(output):
    return diagnose(QUERY, KEY, VALUE, output, causal=True)


def told(diagnosis):
    return {(one.name, one.value, one.items, one.heads, one.queries) for one in diagnosis.mistakes}


@pytest.fixture
def output():
    return attention().clone()


@pytest.mark.slow
def test_heads_with_mistakes_of_their_own(output):
    output[:, 1] = attention(scale=1 / 16)[:, 1]
    output[:, 3] = attention(seen=torch.ones(30, 30).tril(1).bool())[:, 3]
    diagnosis = found(output)
    assert diagnosis.verdict == "mistake"
    assert told(diagnosis) == {
        ("scale-value", 1 / 16, "all", (1,), "all"),
        ("causal-leaks-next", None, "all", (3,), "all"),
    }
    assert all(one.after < 1e-6 < one.before for one in diagnosis.mistakes)


def test_one_mistake_in_two_heads_is_one(output):
    wide = attention(scale=1.0)
    output[:, 0], output[:, 2] = wide[:, 0], wide[:, 2]
    output[:, 1] = attention(seen=torch.ones(30, 30).bool())[:, 1]
    assert told(found(output)) == {
        ("scale-missing", None, "all", (0, 2), "all"),
        ("causal-missing", None, "all", (1,), "all"),
    }


@pytest.mark.slow
def test_items_with_mistakes_of_their_own(output):
    output[0], output[1] = attention(scale=1.0)[0], attention(seen=torch.ones(30, 30).tril(1).bool())[1]
    assert told(found(output)) == {
        ("scale-missing", None, (0,), "all", "all"),
        ("causal-leaks-next", None, (1,), "all", "all"),
    }


def test_blocks_of_queries_with_mistakes_of_their_own(output):
    output[:, :, 3:9] = attention(scale=1.0)[:, :, 3:9]
    output[:, :, 20:26] = attention(seen=torch.ones(30, 30).tril(1).bool())[:, :, 20:26]
    assert told(found(output)) == {
        ("scale-missing", None, "all", "all", (range(3, 9),)),
        ("causal-leaks-next", None, "all", "all", (range(20, 26),)),
    }


@pytest.mark.slow
def test_what_explains_a_part_in_two_ways_makes_several(output):
    """Of 30 keys, the second half is a tile of 16: without a mask there, it is computed whole."""
    output[:, 1] = attention(scale=1 / 16)[:, 1]
    output[:, 2, 20:25] = attention(seen=torch.ones(30, 30).bool())[:, 2, 20:25]
    diagnosis = found(output)
    assert diagnosis.verdict == "several"
    names = {tuple(sorted(one.name for one in explanation)) for explanation in diagnosis.explanations}
    assert names == {("causal-missing", "scale-value"), ("causal-in-tiles", "scale-value")}
    assert len(diagnosis.compared) == len(names)


@pytest.mark.slow
def test_where_one_place_is_unknown_nothing_is_named(output):
    output[:, 0] = attention(scale=1.0)[:, 0]
    output[:, 1] = torch.randn(output[:, 1].shape, generator=torch.Generator().manual_seed(1))
    diagnosis = found(output)
    assert (diagnosis.verdict, diagnosis.mistakes) == ("unknown", ())


@pytest.mark.slow
def test_the_order_of_heads_is_no_mistake_of_one(output):
    """Two heads that read each other's keys are one mistake, and not one of each."""
    exchanged = output.clone()
    order = numpy.array([1, 0, 2, 3])
    scores = (QUERY @ KEY[:, order].mT * 0.25).masked_fill(~CAUSAL, -torch.inf)
    exchanged[:] = scores.softmax(-1) @ VALUE[:, order]
    assert {one.name for one in found(exchanged).mistakes} == {"heads-exchanged"}
