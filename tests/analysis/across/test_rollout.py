"""Rollout: the formula of its paper, the weights of a model's own eager attention, and what it costs."""

import tracemalloc

import numpy
import pytest
from followed_by_hand import mixed, rollout_by_hand
from followed_models import own_matrices, self_attending
from followed_traces import RULES, layered, weights_of
from hypothesis import given, settings
from hypothesis import strategies as some
from random_traces import random_trace
from tiny_models import CONFIGS, inputs, model

from attnviz import Layer, Trace, trace_model
from attnviz.analysis.across import rollout as module
from attnviz.analysis.across.rollout import rollout, rollout_mean
from attnviz.analysis.across.way import way_through
from attnviz.choices import HeadsAs
from attnviz.trace.selection import select


def through(trace, heads_as=HeadsAs.MEAN, residual=0.5):
    return way_through(trace, select(trace), heads_as, residual)


def shares(values):
    return numpy.where(values == -numpy.inf, 0, values)


@pytest.mark.parametrize("rule", RULES)
def test_rollout_of_one_layer_is_half_its_weights_and_half_the_token_itself(rule):
    trace = layered(1, 6, rule)
    [weights] = weights_of(trace)
    sums = weights.mean(axis=0).sum(axis=1, keepdims=True)
    expected = numpy.where(sums > 0, 0.5 * weights.mean(axis=0) / numpy.where(sums > 0, sums, 1), 0.5 * numpy.eye(6))
    assert numpy.allclose(shares(rollout(through(trace), range(6))), expected + 0.5 * numpy.eye(6), rtol=0, atol=1e-15)


@given(
    layers=some.integers(1, 5),
    tokens=some.integers(1, 9),
    rule=some.sampled_from(["plain", "causal", "window", "sinks"]),
    residual=some.sampled_from([0.0, 0.3, 0.5, 1.0]),
)
@settings(max_examples=12, deadline=None)
def test_rollout_is_the_product_of_the_papers_matrices_and_rows_add_up_to_1(layers, tokens, rule, residual):
    trace = layered(layers, tokens, rule)
    expected = rollout_by_hand([mixed(weights, residual) for weights in weights_of(trace)])
    found = rollout(through(trace, residual=residual), range(tokens))
    assert numpy.allclose(shares(found), expected, rtol=0, atol=1e-12)
    assert numpy.allclose(shares(found).sum(axis=1), 1, rtol=0, atol=1e-12)
    assert ((found == -numpy.inf) == (expected == 0)).all()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in ("Bert", "Llama") else [pytest.mark.slow]) for name in CONFIGS]
)
def test_rollout_of_a_model_is_that_of_its_own_eager_attention(name):
    trace, own = trace_model(model(name), inputs(name)), own_matrices(model(name), inputs(name))
    for stack, selection in self_attending(trace).items():
        found = rollout(way_through(trace, selection), range(selection.layers[0].layer.queries))
        expected = rollout_by_hand(own[stack])
        assert numpy.allclose(shares(found), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cells", [1, 7, 30])
def test_however_many_queries_are_taken_at_once_the_same_comes_out(cells, monkeypatch):
    trace = layered(3, 7, "causal")
    whole = rollout(through(trace), range(7))
    monkeypatch.setattr(module, "CELLS", cells)
    assert numpy.allclose(shares(rollout(through(trace), range(7))), shares(whole), rtol=0, atol=1e-15)
    assert numpy.allclose(shares(rollout(through(trace), [5, 2])), shares(whole)[[5, 2]], rtol=0, atol=1e-15)


def test_the_mean_of_some_queries_is_the_mean_of_their_rows_after_each_layer():
    trace = layered(3, 7, "causal")
    after = rollout_mean(through(trace), [2, 5])
    for depth, reached in enumerate(after, start=1):
        chosen = way_through(trace, select(trace, layer=[f"{3 - depth}-2"]))
        rows = rollout(chosen, [2, 5])
        assert numpy.allclose(reached.shares[0], shares(rows).mean(axis=0), rtol=0, atol=1e-15)
        assert (reached.seen[0] == (rows > -numpy.inf).any(axis=0)).all()


def test_a_weight_of_0_that_nothing_hides_is_a_way_and_a_hidden_pair_is_none():
    weights = numpy.array([[[1.0, 0.0], [0.0, 1.0]]])
    seen = Trace(("a", "b"), (Layer(weights=weights),))
    assert (rollout(through(seen), [0, 1]) == [[1, 0], [0, 1]]).all()
    hiding = Trace(("a", "b"), (Layer(weights=weights, rule=layered(1, 2, "causal").layers[0].rule),))
    assert (rollout(through(hiding), [0]) == [[1, -numpy.inf]]).all()


def test_with_the_whole_residual_nothing_comes_from_elsewhere():
    found = rollout(through(layered(2, 3), residual=1.0), range(3))
    assert (found == numpy.where(numpy.eye(3, dtype=bool), 1, -numpy.inf)).all()


def test_progress_grows_to_its_end():
    told = []
    rollout(through(layered(3, 6)), range(6), lambda done, of: told.append(done / of))
    assert told == sorted(told)
    assert told[-1] == 1


def test_one_query_of_a_long_text_holds_nothing_of_tokens_by_tokens():
    trace = random_trace(1, 1, 4200, 2, causal=True)
    way = through(trace)
    tracemalloc.start()
    [row] = rollout(way, [4199])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert abs(row.sum() - 1) < 1e-12
    assert (
        peak < 4500 * 4500 * 4 * 8 / 10
    )  # a tenth of what one such array of float64 would take, for each block there are many
