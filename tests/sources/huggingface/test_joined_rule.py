"""The rule that is put together from passes says what one mask of the whole text would have said."""

from __future__ import annotations

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attnviz import AttnvizError, Layer, Rule
from attnviz.attention.toeplitz import is_spread, spread
from attnviz.sources.huggingface.joined_rule import JoinedRule, Pass
from attnviz.sources.recording.rule_from_mask import mask_in_rule


def joined(*passes, count):
    rule = JoinedRule()
    for one in passes:
        rule.add(one)
    return rule.rule(count)


def seen(rule, count):
    """Which key each query sees."""
    zeros = numpy.zeros((1, count, 1))
    return Layer(zeros, zeros, zeros, rule).steps().weights[0] > 0


def steps_of(mask, prompt):
    """The passes of a text that sees as ``mask`` says: its first ``prompt`` queries at once, then one each."""
    told = mask_in_rule(torch.from_numpy(mask[:prompt, :prompt])[None])
    yield Pass(0, prompt, 0, prompt, Rule(causal=told.causal, window=told.window, mask=told.mask))
    for row in range(prompt, len(mask)):
        [keys] = numpy.flatnonzero(mask[row])[[0]] if mask[row].any() else [0]
        own = torch.from_numpy(mask[row : row + 1, keys : row + 1])
        yield Pass(row, 1, keys, row + 1 - keys, Rule(mask=None if own.all() else own))


@given(st.data())
def test_any_mask_is_joined_to_what_it_says(data):
    count = data.draw(st.integers(2, 9))
    causal = numpy.tril(numpy.ones((count, count), dtype=bool))
    kind = data.draw(st.sampled_from(["causal", "window", "chunks", "padding", "any"]))
    distance = numpy.arange(count)[:, None] - numpy.arange(count)
    size = data.draw(st.integers(1, count))
    mask = {
        "causal": causal,
        "window": causal & (distance < size),
        "chunks": causal & (numpy.arange(count)[:, None] // size == numpy.arange(count) // size),
        "padding": causal & (numpy.arange(count) >= size - 1),
        "any": causal
        & numpy.array(data.draw(st.lists(st.booleans(), min_size=count**2, max_size=count**2))).reshape(count, count),
    }[kind]
    rule = joined(*steps_of(mask, data.draw(st.integers(1, count - 1))), count=count)
    assert (seen(rule, count) == mask).all()
    if kind in ("causal", "window"):
        assert rule.causal
        assert rule.mask is None


def test_a_prompt_that_sees_all_of_itself_stays_so():
    """As of a model whose prompt is read both ways, and whose written tokens look back."""
    rule = joined(Pass(0, 3, 0, 3, Rule()), Pass(3, 1, 0, 4, Rule()), count=4)
    assert seen(rule, 4).tolist() == [[True] * 3 + [False]] * 3 + [[True] * 4]


def test_the_first_windows_name_is_kept_where_nothing_is_hidden_yet():
    rule = joined(Pass(0, 2, 0, 2, Rule(causal=True, window=9)), Pass(2, 1, 0, 3, Rule()), count=3)
    assert (rule.causal, rule.window) == (True, 9)


def test_one_pass_alone_keeps_its_rule():
    rule = Rule(causal=True, bias=numpy.ones((2, 2)))
    assert joined(Pass(0, 2, 0, 2, rule), count=2) is rule


@pytest.mark.parametrize(
    "rule", [Rule(scale=0.3), Rule(softcap=2.0), Rule(sinks=torch.ones(2)), Rule(mask=torch.ones(2, 1, 3).bool())]
)
def test_what_changes_from_step_to_step_is_refused(rule):
    with pytest.raises(AttnvizError, match="so its steps make no one map"):
        joined(
            Pass(0, 2, 0, 2, Rule(causal=True, sinks=torch.zeros(2) if rule.sinks is not None else None)),
            Pass(2, 1, 0, 3, rule),
            count=3,
        )


def test_equal_sinks_of_other_memory_are_the_same():
    first, second = Rule(causal=True, sinks=torch.ones(2)), Rule(sinks=torch.ones(2))
    assert joined(Pass(0, 2, 0, 2, first), Pass(2, 1, 0, 3, second), count=3).sinks is first.sinks


BY_DISTANCE = (
    numpy.random.default_rng(0).normal(size=(2, 9)).astype(numpy.float32)
)  # heads, from far behind to far ahead


def rows_of(whole, prompt):
    """The passes of a text of 5 tokens with this bias, (heads, 5, 5)."""
    yield Pass(0, prompt, 0, prompt, Rule(causal=True, bias=whole[:, :prompt, :prompt]))
    for row in range(prompt, 5):
        yield Pass(row, 1, 0, row + 1, Rule(bias=torch.from_numpy(whole[:, row : row + 1, : row + 1].copy())))


@pytest.mark.parametrize("prompt", [1, 3])
def test_a_bias_by_distance_is_held_as_that(prompt):
    whole = spread(BY_DISTANCE, 5)
    rule = joined(*rows_of(whole, prompt), count=5)
    lower = numpy.tril(numpy.ones((5, 5), dtype=bool))
    assert rule.causal
    assert is_spread(rule.bias)
    assert (rule.bias == whole)[:, lower].all()
    assert joined(*rows_of(whole, prompt), count=4).bias.shape == (2, 4, 4)


def test_any_other_bias_is_held_as_it_came():
    whole = numpy.random.default_rng(1).normal(size=(2, 5, 5)).astype(numpy.float32)
    rule = joined(*rows_of(whole, 2), count=5)
    lower = numpy.tril(numpy.ones((5, 5), dtype=bool))
    assert (rule.bias == whole)[:, lower].all()


def test_a_bias_that_stops_to_go_by_distance_loses_nothing():
    whole = spread(BY_DISTANCE, 5).copy()
    whole[:, 4, 1] = 7.0
    passes = [*rows_of(spread(BY_DISTANCE, 5), 1)][:4] + [*rows_of(whole, 1)][4:]
    lower = numpy.tril(numpy.ones((5, 5), dtype=bool))
    assert (joined(*passes, count=5).bias == whole)[:, lower].all()


def test_a_pass_without_a_bias_adds_nothing():
    bias = torch.tensor([[1.0, 2.0, 3.0]])
    first = Pass(0, 2, 0, 2, Rule(causal=True))
    assert joined(first, Pass(2, 1, 0, 3, Rule(bias=bias)), count=3).bias.tolist() == [[[0] * 3, [0] * 3, [1, 2, 3]]]
    passes = Pass(0, 1, 0, 1, Rule(bias=torch.tensor([[5.0]]))), Pass(1, 1, 0, 2, Rule())
    assert joined(*passes, count=2).bias.tolist() == [[[5, 0], [0, 0]]]
