"""A layer of weights alone: its steps are these, and whatever needs more says what is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch
from traces_of_all_kinds import normal, self_layer

from attnviz.attention.rule import Rule
from attnviz.choices import Step
from attnviz.errors import AttnvizError
from attnviz.trace.layer import Layer
from attnviz.trace.steps import Head, HeadByHead, available
from attnviz.trace.trace import Trace
from tests.support.weights_alone import layer_alone

WEIGHTS = numpy.array([[[0.25, 0.75, 0.0], [1.0, 0.0, 0.0]], [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]])  # (2, 2, 3)


def test_it_has_as_many_heads_queries_and_keys_as_its_weights():
    layer = Layer(weights=WEIGHTS)
    assert (layer.heads, layer.queries, layer.keys, layer.group) == (2, 2, 3, 1)
    assert [layer.kv_head(head) for head in range(2)] == [0, 1]
    assert layer.weights_alone
    assert not self_layer().weights_alone
    assert not layer.bare


@pytest.mark.parametrize("held", [numpy.asarray, torch.as_tensor])
def test_its_steps_are_the_weights_of_all_of_one_head_or_of_some_queries(held):
    layer = Layer(weights=held(WEIGHTS))
    assert (numpy.asarray(layer.steps().weights) == WEIGHTS).all()
    assert (numpy.asarray(layer.steps(1).weights) == WEIGHTS[1]).all()
    assert (numpy.asarray(layer.steps(1, 1).weights) == WEIGHTS[1, 1:]).all()
    assert (numpy.asarray(layer.steps(query=range(2)).weights) == WEIGHTS).all()


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_half_precision_is_kept_and_read_exactly(kind):
    weights = torch.softmax(torch.from_numpy(normal(2, 4, 4)), -1).to(kind)
    layer = Layer(weights=weights)
    assert layer.weights.dtype == kind
    assert (layer.steps().weights.double() == weights.double()).all()
    assert layer.steps().weights.dtype == torch.float32


@pytest.mark.parametrize("step", sorted(set(Step) - {Step.WEIGHTS}))
def test_no_other_step_is_there(step):
    assert step not in available(Layer(weights=WEIGHTS))
    assert Step.WEIGHTS in available(Layer(weights=WEIGHTS))


@pytest.mark.parametrize("name", ["query", "key", "value", "scale"])
def test_what_is_missing_says_so(name):
    layer = Layer(weights=WEIGHTS)
    with pytest.raises(AttnvizError, match="only the weights of this layer are known"):
        layer.scale if name == "scale" else layer.known(name)
    assert self_layer().known("query") is not None


def test_the_loop_over_the_heads_gives_them_without_outputs():
    heads = HeadByHead(Layer(weights=WEIGHTS), (1, 0), tuple(Step))
    assert [(head.head, head.steps.weights.tolist()) for head in heads] == [
        (1, WEIGHTS[1].tolist()),
        (0, WEIGHTS[0].tolist()),
    ]
    assert heads.together is None
    assert (Head(Layer(weights=torch.as_tensor(WEIGHTS)), 1).steps.weights == WEIGHTS[1]).all()


def test_the_rule_that_was_told_hides():
    whole = replace(self_layer(), rule=Rule(causal=True, window=2))
    layer = layer_alone(whole)
    layer.check()
    assert (layer.steps(2).hidden == whole.steps(2).hidden).all()
    assert (layer.steps(2, 1).hidden == whole.steps(2, 1).hidden).all()


def test_check_says_where_a_weight_is_none():
    wrong = WEIGHTS.copy()
    wrong[1, 1, 0] = -1
    with pytest.raises(AttnvizError, match="head 1, query 1, key 0 is -1"):
        Layer(weights=wrong).check()
    with pytest.raises(AttnvizError, match="head 1, query 1, key 0 is -1"):
        Layer(weights=wrong).steps(1, 1)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "it has none of them"),
        ({"query": WEIGHTS}, "it has query"),
        ({"weights": WEIGHTS, "value": WEIGHTS}, "it has value and weights"),
        ({"weights": WEIGHTS[0, 0]}, r"weights has the shape \(3,\): expected \(heads, queries, keys\)"),
        ({"weights": WEIGHTS[None]}, "weights has the shape"),
        ({"weights": WEIGHTS[:, :0]}, "weights is empty"),
        ({"weights": WEIGHTS, "rule": Rule(scale=2.0)}, "scale turns scores into weights"),
        ({"weights": WEIGHTS, "rule": Rule(mask=numpy.ones((3, 3), dtype=bool))}, "mask has the shape"),
    ],
)
def test_a_layer_of_neither_or_of_both_is_refused(arrays, words):
    with pytest.raises(AttnvizError, match=words):
        Layer(**arrays)


def test_a_causal_rule_that_would_have_to_guess_is_refused():
    with pytest.raises(AttnvizError, match="2 queries and 3 keys: at which key"):
        Layer(weights=WEIGHTS, rule=Rule(causal=True)).steps()


def test_tokens_have_to_fit():
    with pytest.raises(AttnvizError, match="2 tokens but key has 3"):
        Trace(("a", "b"), (Layer(weights=WEIGHTS),))
    Trace(("a", "b"), (Layer(weights=WEIGHTS, key_tokens=("x", "y", "z")),))


def test_what_a_layer_started_from_cannot_come_with_weights_alone():
    from attnviz.trace.projection import Projection

    layer = Layer(weights=WEIGHTS, key_tokens=("x", "y", "z"), projections={"output": Projection(normal(4, 4))})
    with pytest.raises(AttnvizError, match="value cannot be shown"):
        Trace(("a", "b"), (layer,))
