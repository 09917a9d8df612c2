"""What the record tells of an explanation."""

import numpy
import torch
import torch.nn.functional as functional
from diagnosed import asked
from planted_attention import attention, problem, with_problem

NOTHING = dict.fromkeys(("mask", "bias", "sinks", "softcap", "window", "rope", "cache", "scale"), False)
MEANT = problem(numpy.random.default_rng(1), causal=True, groups=True, **NOTHING)


def test_meant_and_computed_weights_are_those_of_the_head_that_shows_most():
    found = asked(MEANT, with_problem(MEANT, causal=False))
    (shown,) = found.compared
    numpy.testing.assert_allclose(shown.computed.sum(-1), 1)
    assert numpy.triu(shown.meant, 1).max() == 0 < numpy.triu(shown.computed, 1).max()
    assert shown.rows == range(MEANT.queries)


def test_before_and_after_are_told_of_the_part():
    output = attention(MEANT).clone()
    output[:, 1] = attention(MEANT, scale=1.0)[:, 1]
    found = asked(MEANT, output)
    (mistake,) = found.mistakes
    assert mistake.heads == (1,)
    assert mistake.after < found.tolerance < mistake.before == found.error


def test_keys_that_a_mistake_leaves_alone_are_left_out():
    few = problem(numpy.random.default_rng(1), causal=False, groups=True, **NOTHING)
    found = asked(few, attention(few, seen=torch.arange(few.keys) < few.keys - 1))
    assert {one.name for one in found.mistakes} == {"key-lost"}


def test_what_nothing_explains_shows_the_weights_that_it_tells():
    few = problem(numpy.random.default_rng(1), causal=True, groups=True, **NOTHING)
    few.query, few.key, few.value = few.query[:, :, :7], few.key[:, :, :7], few.value[:, :, :7]
    noise = torch.rand(attention(few).shape, generator=torch.Generator().manual_seed(0))
    shown = asked(few, noise).compared[0]
    assert (shown.computed is None) == (few.value.shape[-1] < 7)


def test_dropout_is_told_of_all_keys():
    torch.manual_seed(1)
    found = asked(MEANT, functional.dropout(attention(MEANT), 0.5))
    assert [(one.name, one.keys) for one in found.mistakes] == [("dropout", "all")]
