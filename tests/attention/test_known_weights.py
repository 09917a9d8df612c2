"""Weights that somebody else computed: what they may be, what is hidden of them, how far rounding moves their sums."""

from __future__ import annotations

import numpy
import pytest
import torch

from attnviz.attention.formula import attend
from attnviz.attention.known_weights import KnownWeights, known_weights, require_tellable, rounding, sum_tolerance
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError

LIBRARIES = pytest.mark.parametrize("held", [numpy.asarray, torch.as_tensor], ids=["numpy", "torch"])


def softmaxed(*shape, dtype=torch.float32, spread=2.0):
    """Weights as torch's softmax rounds them to a type."""
    logits = torch.from_numpy(numpy.random.default_rng(shape).standard_normal(shape) * spread)
    return torch.softmax(logits.to(dtype), dim=-1)


@LIBRARIES
def test_the_weights_stay_as_they_are_and_nothing_is_hidden_that_nobody_told(held):
    given = held(numpy.array([[[0.5, 0.5], [1.0, 0.0]]], dtype=numpy.float32))
    steps = known_weights(given, Rule())
    assert (steps.weights == given).all()
    assert not steps.hidden.any()
    assert not steps.blind.any()
    assert type(steps.hidden) is type(given)


@LIBRARIES
@pytest.mark.parametrize(
    "rule", [Rule(causal=True), Rule(window=2), Rule(mask=numpy.tri(5, dtype=bool) & ~numpy.eye(5, dtype=bool))]
)
def test_what_the_rule_tells_is_hidden_as_attend_hides_it(held, rule):
    query = numpy.random.default_rng(0).standard_normal((3, 5, 4))
    wanted = attend(query, query, query, **vars(rule))
    steps = known_weights(held(wanted.weights), rule)
    numpy.testing.assert_array_equal(numpy.asarray(steps.hidden), wanted.hidden)
    numpy.testing.assert_array_equal(numpy.asarray(steps.blind), wanted.blind)


@pytest.mark.parametrize("step", ["scores", "scaled", "masked", "output"])
def test_every_other_step_says_what_is_missing(step):
    steps = known_weights(numpy.ones((1, 1, 1)), Rule())
    with pytest.raises(AttnvizError, match=f"^{step} cannot be shown: only the weights of this layer are known"):
        getattr(steps, step)
    assert KnownWeights._fields == ("weights", "hidden")


@LIBRARIES
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (numpy.nan, "head 3, query 12, key 2 is nan: a weight is a number from 0 to 1"),
        (-0.25, "head 3, query 12, key 2 is -0.25"),
        (1.5, "head 3, query 12, key 2 is 1.5"),
        (numpy.inf, "head 3, query 12, key 2 is inf"),
    ],
)
def test_what_is_no_weight_is_told_with_its_place(held, wrong, words):
    weights = numpy.full((2, 4, 3), 1 / 3)
    weights[1, 2, 2] = wrong
    with pytest.raises(AttnvizError, match=words):
        known_weights(held(weights), Rule(), head=2, query=10)
    with pytest.raises(AttnvizError, match=words):  # a head alone
        known_weights(held(weights[1]), Rule(), head=3, query=10)


def test_a_weight_above_1_by_rounding_alone_is_one():
    known_weights(numpy.array([[1 + 2**-23]], dtype=numpy.float32), Rule())
    known_weights(torch.tensor([[1 + 2**-7]], dtype=torch.bfloat16), Rule())
    with pytest.raises(AttnvizError, match=r"is 1\.008"):
        known_weights(numpy.array([[1 + 2**-7, 1e-9]], dtype=numpy.float32), Rule())


def test_a_weight_where_the_rule_hides_is_an_error_that_says_where():
    with pytest.raises(
        AttnvizError, match=r"the weight 0\.3 at head 1, query 0, key 1 is on a key that the rule hides"
    ):
        known_weights(numpy.array([[0.7, 0.3], [0.4, 0.6]]), Rule(causal=True), head=1)


@pytest.mark.parametrize(
    "rule", [Rule(scale=1.0), Rule(softcap=2.0), Rule(bias=numpy.zeros((2, 2))), Rule(sinks=numpy.zeros(1))]
)
def test_what_makes_weights_of_scores_cannot_be_told_of_weights(rule):
    with pytest.raises(AttnvizError, match="turns scores into weights, and of this layer only the weights are known"):
        require_tellable(rule)


def test_what_hides_can():
    require_tellable(Rule(causal=True, query_offset=3, window=2, mask=numpy.ones((1, 1), dtype=bool)))


@pytest.mark.parametrize(
    ("kind", "step"),
    [(torch.bfloat16, 2**-7), (torch.float16, 2**-10), (torch.float32, 2**-23), (torch.float64, 2**-23)],
)
def test_the_type_in_which_weights_were_written_is_told_of_their_numbers(kind, step):
    weights = softmaxed(2, 9, 30, dtype=kind)
    assert rounding(weights) == step
    assert rounding(weights.double().numpy()) == step  # in a file of float64


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("keys", [1, 7, 300, 5000])
@pytest.mark.parametrize("spread", [0.01, 2.0, 20.0])
def test_the_sums_of_torchs_own_softmax_are_within_the_tolerance(kind, keys, spread):
    weights = softmaxed(1, 40, keys, dtype=kind, spread=spread)
    apart = abs(1 - weights.double().sum(dim=-1)).max()
    assert apart <= sum_tolerance(rounding(weights), keys)


def test_the_tolerance_hides_no_sink_of_a_percent():
    assert sum_tolerance(2**-23, 4096) < 1e-4
    assert sum_tolerance(2**-10, 4096) < 2e-3
    assert sum_tolerance(2**-7, 4096) < 1e-2


def test_what_is_larger_than_any_float32_is_told_without_a_warning():
    with pytest.raises(AttnvizError, match=r"-?3\.1e\+?231"):
        known_weights(numpy.array([[0.5, -3.1e231]]), Rule())
