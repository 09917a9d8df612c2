"""Which queries of a long text are compared: few, and what implementations get wrong is among them."""

from __future__ import annotations

import numpy
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from attnviz import AttnvizError, Layer, Rule
from attnviz.sources.recording.agreement import require_agreement
from attnviz.sources.recording.sampled import (
    EACH,
    LEAST,
    SAMPLED,
    TOGETHER,
    Comparison,
    Samples,
    agreement,
    compared_queries,
)

TOKENS, HEADS, WIDTH = 400, 4, 8


def layer(seed: int = 0, tokens: int = TOKENS, heads: int = HEADS, **rule) -> Layer:
    draw = torch.Generator().manual_seed(seed)
    query, key, value = (torch.randn(heads, tokens, WIDTH, generator=draw) for _ in range(3))
    return Layer(query, key, value, Rule(**rule))


def output(of: Layer) -> torch.Tensor:
    """What torch's own kernel computes, (queries, heads, d_v)."""
    queries, keys = torch.arange(of.queries)[:, None], torch.arange(of.keys)
    seen = torch.ones(of.queries, of.keys, dtype=torch.bool)
    if of.rule.causal:
        seen &= keys <= queries
    if of.rule.window is not None:
        seen &= (queries - keys).abs() < of.rule.window
    if of.rule.mask is not None:
        seen = seen & of.rule.mask
    made = scaled_dot_product_attention(of.query, of.key, of.value, attn_mask=seen, scale=of.rule.scale)
    return made.transpose(0, 1).clone()


def test_of_a_short_text_each_is_compared_and_of_a_long_one_where_all_are_asked_for():
    assert compared_queries(layer(tokens=LEAST)).tolist() == list(range(LEAST))
    assert len(compared_queries(layer(tokens=200), Comparison(all_below=200))) == 200
    assert len(compared_queries(layer(), EACH)) == TOKENS
    assert len(compared_queries(layer())) == LEAST


def test_a_wide_model_affords_more_of_them():
    assert len(compared_queries(layer(heads=100))) == 100 * WIDTH // 9


def test_the_ends_and_both_sides_of_a_window_and_of_padding_are_among_them():
    chosen = set(compared_queries(layer(window=200, causal=True)).tolist())
    assert {0, 1, TOKENS - 2, TOKENS - 1, 199, 200} <= chosen
    there = torch.arange(TOKENS) >= 77  # padding stands to the left
    chosen = set(compared_queries(layer(mask=there[None])).tolist())
    assert {76, 77} <= chosen
    chosen = set(compared_queries(layer(mask=(there & (torch.arange(TOKENS) < 300))[None, None])).tolist())
    assert {76, 77, 299, 300} <= chosen


def test_of_a_very_long_text_some_tiles_are_drawn():
    chosen = compared_queries(layer(tokens=50_000, heads=1))
    assert len(chosen) == LEAST
    assert (numpy.diff(chosen) > 0).all()
    assert ((chosen % 64 == 0) & (chosen > 0)).sum() >= LEAST // 4


def test_another_text_and_another_layer_have_others_and_the_same_one_the_same():
    one, again, other = (set(compared_queries(layer(seed)).tolist()) for seed in (0, 0, 1))
    assert one == again
    assert len(one - other) > LEAST // 4


def test_layers_that_are_alike_have_others_though_they_are_drawn_together():
    samples, asked = Samples(SAMPLED), []

    def first():
        asked.append(layer())
        return asked[-1]

    drawn = [samples.of("alike", first).tolist() for _ in range(TOGETHER)]
    assert len(asked) == 1  # no other layer was looked at
    assert len({*map(tuple, drawn)}) == TOGETHER
    assert all(len({*one}) == LEAST and {0, 1, TOKENS - 2, TOKENS - 1} <= {*one} for one in drawn)
    samples.of("alike", first)
    samples.of("other", first)
    assert len(asked) == 3
    assert samples.of(None, first).tolist() == compared_queries(layer()).tolist()


def test_no_part_of_a_text_is_left_out_and_each_query_is_as_likely_as_another():
    times = sum(numpy.bincount(compared_queries(layer(seed)), minlength=TOKENS) for seed in range(300))
    middle = [times[query] for query in range(2, TOKENS - 2) if query % 64 not in (0, 63)]
    likely = (LEAST - 4 - 12) / len(middle) * 300
    assert max(abs(count - likely) for count in middle) < 5 * likely**0.5
    gaps = [numpy.diff(compared_queries(layer(seed))).max() for seed in range(300)]
    assert max(gaps) <= 2 * -(-TOKENS // (LEAST - 16)) + 2


def test_texts_that_end_alike_have_others():
    one, other = layer(), layer()
    other.query[:, TOKENS // 2] += 1
    chosen, others = (set(compared_queries(text).tolist()) for text in (one, other))
    assert len(chosen - others) > LEAST // 4


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"causal": True},
        {"causal": True, "window": 50},
        {"window": 50},
        {"causal": True, "mask": torch.arange(TOKENS)[None] != 3},
        {"scale": 0.7, "causal": True},
    ],
    ids=str,
)
def test_what_agrees_is_within_rounding(rule):
    of = layer(**rule)
    assert require_agreement(of, output(of)) < 1e-5


MISTAKES = {
    "scale": {"scale": 1.02 / WIDTH**0.5},
    "causal": {"causal": False},
    "window": {"window": 51},
    "mask": {"mask": torch.arange(TOKENS)[None] != 12},
}


@pytest.mark.parametrize("name", [*MISTAKES, "heads", "tile"])
def test_a_mistake_in_one_head_is_caught(name):
    require_caught(name, range(3))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*MISTAKES, "heads", "tile"])
def test_a_mistake_in_one_head_is_caught_in_100_of_100_texts(name):
    require_caught(name, range(100, 200))


def require_caught(name: str, seeds: range) -> None:
    for seed in seeds:
        of = layer(seed, causal=True, window=50)
        theirs, head = output(of), seed % HEADS
        if name == "heads":
            theirs[:, head] = theirs[:, (head + 1) % HEADS]
        elif name == "tile":  # the last tile of 64 queries loses its last keys
            start = TOKENS // 64 * 64
            theirs[start:, head] *= 1.01
        else:
            changed = {"causal": True, "window": 50} | MISTAKES[name]
            theirs[:, head] = output(Layer(of.query, of.key, of.value, Rule(**changed)))[:, head]
        with pytest.raises(AttnvizError, match=f"head {head} differs"):
            require_agreement(of, theirs)


def test_how_many_were_compared_is_known():
    of = layer()
    assert agreement({"layer 0": 1e-7}, [of], SAMPLED) == (1e-7, LEAST, {"layer 0": 1e-7}, TOKENS)
    assert agreement({}, [of], SAMPLED) == (None, None, {}, None)
