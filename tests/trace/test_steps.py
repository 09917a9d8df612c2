"""Which steps there are of a layer, and the loop over its heads."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch
from numpy.testing import assert_array_equal

from attnviz import Layer, trace_text
from attnviz.choices import CONTRIBUTIONS, MapStep, Step
from attnviz.trace.projection import Projection
from attnviz.trace.steps import STEPS, Head, HeadByHead, Owner, Rows, available, steps_of


def layer(heads: int = 4, kv_heads: int = 2, tokens: int = 3, **facts) -> Layer:
    draw = numpy.random.default_rng(0).normal
    return Layer(draw(size=(heads, tokens, 2)), *draw(size=(2, kv_heads, tokens, 2)), **facts)


def test_every_step_is_registered_in_the_order_in_which_it_is_computed():
    assert tuple(STEPS) == tuple(Step)
    assert tuple(step for owner in Owner for step in steps_of(owner)) == tuple(Step)
    assert [step.value for step, facts in STEPS.items() if facts.is_map] == [step.value for step in MapStep]


def test_a_layer_has_the_steps_that_it_has_arrays_for():
    always = {*steps_of(Owner.HEAD)} - {Step.CONTRIBUTION}
    assert available(layer(1, 1)) == always
    assert available(layer()) == always | {Step.CONCAT}
    toy = trace_text("a b", heads=2, position="sinusoidal").layers[0]
    assert available(toy) == set(Step)
    assert available(replace(toy, positions=None)) == set(Step) - {Step.POSITIONS, Step.INPUTS}
    assert available(replace(toy, embeddings=None, positions=None)) == set(Step) - {*steps_of(Owner.LAYER)[:3]}
    assert available(replace(toy, projections={"output": toy.projections["output"]})) == set(Step) - {Step.PROJECTIONS}
    assert available(replace(toy, projections={})) == set(Step) - {
        Step.PROJECTIONS,
        Step.PROJECTED,
        *CONTRIBUTIONS,
    }


@pytest.mark.parametrize("text", ["a b c", "one"])
@pytest.mark.parametrize("options", [{}, {"heads": 2, "position": "sinusoidal"}, {"project": True}])
def test_a_known_step_has_an_array_of_its_rows(text, options):
    of = trace_text(text, **options).layers[0]
    heads = HeadByHead(of, [0], list(Step))
    [head] = heads
    owners = {Owner.LAYER: of, Owner.HEAD: head, Owner.HEADS: heads.together}
    tokens = of.query.shape[1]
    for step in available(of) - {Step.PROJECTIONS}:
        facts = STEPS[step]
        array = facts.array(owners[facts.owner])
        assert array.shape[0] == tokens
        assert (array.shape == (tokens, tokens)) >= facts.is_map
    for step in {*steps_of(Owner.LAYER)} - available(of):
        assert STEPS[step].array(of) is None
    assert {step for step in Step if STEPS[step].rows is Rows.KEYS} == {Step.KEY, Step.VALUE}


def test_a_head_reads_its_own_keys_and_computes_when_it_is_looked_at(monkeypatch):
    of = layer()
    head = Head(of, 3)
    computed = []
    right = Layer.steps
    monkeypatch.setattr(Layer, "steps", lambda *given: computed.append(given[1:]) or right(*given))
    assert head.kv_head == 1
    assert_array_equal(STEPS[Step.QUERY].array(head), of.query[3])
    assert_array_equal(STEPS[Step.VALUE].array(head), of.value[1])
    assert computed == []
    assert head.steps is head.steps
    assert computed == [(3, None)]
    assert_array_equal(Head(of, 3, 2).steps.weights[0], head.steps.weights[2])


def test_steps_are_numpys_whatever_the_layer_holds():
    made = layer()
    of = Layer(*(torch.tensor(array) for array in (made.query, made.key, made.value)))
    assert all(isinstance(step, numpy.ndarray) for step in Head(of, 0).steps)


@pytest.mark.parametrize("chosen", [(3, 0), (1,), (0, 1, 2, 3)])
def test_the_chosen_heads_come_in_their_order_and_nothing_together(chosen):
    heads = HeadByHead(layer(), chosen, [Step.OUTPUT])
    assert [head.head for head in heads] == list(chosen)
    assert heads.together is None
    assert not heads.needs_all


@pytest.mark.parametrize("step", [Step.CONCAT, Step.PROJECTED])
def test_all_heads_are_computed_where_a_step_needs_them(step):
    of = layer(projections={"output": Projection(numpy.random.default_rng(1).normal(size=(8, 5)))})
    heads = HeadByHead(of, (3, 0), [step])
    assert [head.head for head in heads] == [0, 3]
    assert [head.head for head in heads] == [0, 3]  # again, and not one on top of the other
    outputs = numpy.concatenate([of.steps(head).output for head in range(4)], axis=-1)
    assert_array_equal(heads.together.concat, outputs)
    assert_array_equal(heads.together.projected, outputs @ of.projections["output"].weight)


def test_one_query_alone_goes_through_all_heads():
    heads = HeadByHead(layer(), (0,), [Step.CONCAT], query=1)
    assert [head.steps.output.shape for head in heads] == [(1, 2)]
    assert heads.together.concat.shape == (1, 8)
    assert heads.together.projected is None


def test_one_head_is_its_own_concat():
    assert not HeadByHead(layer(1, 1), (0,), [Step.CONCAT]).needs_all
