"""What is measured of a text, of a part of it, and in blocks of any size."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy
import pytest
from metric_texts import DRAW, LEFT, RULES, TEXT, trace
from numpy.testing import assert_allclose

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.analysis import measure
from attnviz.analysis.blocks import cuts, row_block
from attnviz.analysis.measure import head_metrics, measure_heads
from attnviz.analysis.metrics import Metric
from attnviz.choices import MeasuredStep
from tests.support.contributions import norms


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_hidden_keys_took_is_the_mean_over_the_queries_that_are_left(rule):
    made = trace(**rule)
    hidden = [key for key in range(len(TEXT)) if key not in LEFT]
    taken = made.layers[0].steps().weights[:, LEFT][..., hidden].sum(axis=-1).mean(axis=-1)
    assert_allclose(measure_heads(made, made.layers[0], queries=LEFT, keys=LEFT).left_out, taken, atol=1e-12)
    assert (measure_heads(made, made.layers[0]).left_out == 0).all()


def test_the_first_key_by_hand():
    """Even weights: behind two tokens of padding, and where the first token is hidden."""
    zeros = numpy.zeros((1, 5, 2))
    padded = Layer(zeros, zeros, zeros, Rule(causal=True, mask=numpy.arange(5) > 1))
    # Only the last two queries see the third key and another: 1/2 and 1/3.
    assert head_metrics(Trace(tuple("abcde"), (padded,)), padded)[Metric.FIRST] == pytest.approx((1 / 2 + 1 / 3) / 2)
    causal = Layer(zeros, zeros, zeros, Rule(causal=True))
    rest = measure_heads(Trace(tuple("abcde"), (causal,)), causal, queries=(1, 2, 3, 4), keys=(1, 2, 3, 4))
    assert rest.metrics[Metric.FIRST] == pytest.approx((1 / 3 + 1 / 4 + 1 / 5) / 3)
    assert rest.metrics[Metric.SELF] == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4)
    assert rest.metrics[Metric.PREVIOUS] == pytest.approx((1 / 3 + 1 / 4 + 1 / 5) / 3)
    assert rest.metrics[Metric.LARGEST] == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4)
    assert rest.left_out == pytest.approx((1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 4)
    window = Layer(zeros, zeros, zeros, Rule(causal=True, window=2))
    assert head_metrics(Trace(tuple("abcde"), (window,)), window)[Metric.FIRST] == pytest.approx(1 / 2)


def test_nothing_of_queries_times_keys_is_held():
    """A text of 4,096 tokens: its map would take 128 MiB a head in float64."""
    array = numpy.zeros((1, 4096, 2))
    layer = Layer(array, array, array, Rule(causal=True))
    made = Trace(tuple(map(str, range(4096))), (layer,))
    tracemalloc.start()
    measure_heads(made, layer, queries=range(1, 4096), keys=range(1, 4096), cells=1 << 18)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48 << 20


@pytest.mark.parametrize("cells", [1, 14 * 5, 14 * 2 * 3, 10**9])
@pytest.mark.parametrize("left", [None, LEFT], ids=["whole", "some"])
@pytest.mark.parametrize("rule", ["sinks", "windowed padding"])
def test_block_by_block_gives_the_same(cells, left, rule):
    made = trace(**RULES[rule])
    whole = measure_heads(made, made.layers[0], queries=left, keys=left)
    blocks = measure_heads(made, made.layers[0], queries=left, keys=left, cells=cells)
    assert_allclose(blocks.left_out, whole.left_out, atol=1e-12)
    for metric, values in blocks.metrics.items():
        assert_allclose(values, whole.metrics[metric], atol=1e-12)


def test_keys_that_no_query_may_look_at_are_not_computed():
    """A window of 16 over 4,096 tokens, and both halves of a causal text."""
    array = numpy.ones((1, 4096, 2))
    computed = {}
    for name, rule in {"window": Rule(causal=True, window=16), "causal": Rule(causal=True), "full": Rule()}.items():
        layer = Layer(array, array, array, rule)
        computed[name] = (
            sum(row_block(layer, *cut).steps.weights.size for cut in cuts(layer, range(1), range(4096))) / 4096**2
        )
    assert computed["full"] == 1
    assert 0.5 < computed["causal"] < 0.6
    assert computed["window"] < 0.07


def test_copies_are_told_by_all_of_a_token():
    tokens = ("a", "a\0", "A", "x" * 1_000_000)
    array = numpy.ones((1, 4, 2))
    layer = Layer(array, array, array)
    assert measure._copies(Trace(tokens, (layer,)), layer).tolist() == [0, 1, 0, 2]


def test_ids_tell_copies_where_labels_do_not():
    made = trace(causal=True)
    other = Trace(made.tokens, made.layers, {"ids": list(range(14))})
    assert numpy.isnan(head_metrics(other, other.layers[0])[Metric.DUPLICATE]).all()
    assert not numpy.isnan(head_metrics(made, made.layers[0])[Metric.DUPLICATE]).any()


def test_places_mean_nothing_between_two_texts():
    layer = Layer(DRAW.normal(size=(2, 3, 4)), key := DRAW.normal(size=(2, 5, 4)), key, key_tokens=tuple("vwxyz"))
    metrics = head_metrics(made := Trace(tuple("abc"), (layer,)), made.layers[0])
    unknown = {metric for metric, values in metrics.items() if numpy.isnan(values).all()}
    assert unknown == {
        Metric.SELF,
        Metric.PREVIOUS,
        Metric.DUPLICATE,
        Metric.INDUCTION,
        Metric.DISTANCE,
        Metric.NEAR,
    }


def test_torch_and_numpy_agree():
    made = trace_text(" ".join(TEXT), heads=3, causal=True)
    other = made.to("torch")
    ours, theirs = (head_metrics(one, one.layers[0]) for one in (made, other))
    for metric in Metric:
        assert_allclose(theirs[metric], ours[metric], atol=1e-9)


def test_the_share_of_the_queries_that_a_metric_is_a_mean_of():
    vectors = numpy.random.default_rng(1).standard_normal((2, 5, 3))
    trace = Trace(tuple("abcab"), (Layer(vectors, vectors, vectors, Rule(causal=True)),))
    covered = measure_heads(trace, trace.layers[0], heads=[1]).covered
    assert covered[Metric.SELF].tolist() == [0.0, 1.0]
    assert covered[Metric.FIRST].tolist() == [0.0, 0.8]  # the first query sees nothing else, so it chooses nothing
    assert covered[Metric.DUPLICATE].tolist() == [0.0, 0.4]
    some = measure_heads(trace, trace.layers[0], queries=[1, 3]).covered
    assert some[Metric.DUPLICATE].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("cells", [1, 14 * 5, 10**9])
@pytest.mark.parametrize(
    "rule", [{}, {"causal": True, "sinks": numpy.array([1.0, -1.0, 0.5, 3.0])}], ids=["all", "sinks"]
)
@pytest.mark.parametrize("left", [None, LEFT], ids=["whole", "some"])
@pytest.mark.some(4)
def test_contributions_are_measured_as_weights_that_are_their_shares(rule, left, cells):
    """A layer of weights alone, which are the paper's norms in parts of their row's sum, measures the same."""
    made = trace_text(" ".join(TEXT), heads=4)
    layer = replace(made.layers[0], rule=Rule(**rule))
    lengths = norms(layer)
    rows = lengths / lengths.sum(axis=-1, keepdims=True)
    alone = Layer(weights=rows, rule=Rule(causal=rule.get("causal", False)))
    kept = {"queries": left, "keys": left, "cells": cells}
    found = measure_heads(made, layer, step=MeasuredStep.CONTRIBUTION, **kept)
    expected = measure_heads(replace(made, layers=(alone,)), alone, **kept)
    for metric in Metric:
        assert_allclose(found.metrics[metric], expected.metrics[metric], rtol=1e-6, err_msg=metric.value)
    assert_allclose(found.left_out, expected.left_out, rtol=1e-6, atol=1e-12)
