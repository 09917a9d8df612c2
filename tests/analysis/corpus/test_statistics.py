"""Many texts: mean, deviation and count, without keeping the texts."""

from __future__ import annotations

import random

import numpy
import pytest
from numpy.testing import assert_allclose

from attnviz import Layer, Projection, Rule, Trace, trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.measure import head_metrics
from attnviz.analysis.metrics import Metric
from attnviz.choices import MeasuredStep
from attnviz.errors import AttnvizError
from attnviz.trace.selection import select

TEXTS = ("the cat sat on the cat", "Your journey starts", "one", "one step and one step and one step", "a b a b a")


def gathered(texts, head=()) -> Statistics:
    statistics = Statistics()
    for text in texts:
        trace = trace_text(text, heads=3, causal=True)
        statistics.add(trace, select(trace, head=head))
    return statistics


def test_statistics_are_those_of_each_text():
    statistics = gathered(TEXTS)
    assert (statistics.texts, statistics.tokens) == (5, 6 + 3 + 1 + 8 + 5)
    traces = [trace_text(text, heads=3, causal=True) for text in TEXTS]
    for metric in Metric:
        values = numpy.array([head_metrics(trace, trace.layers[0])[metric] for trace in traces])
        for head in statistics.heads():
            column = values[:, head.head]
            known = column[~numpy.isnan(column)]
            assert head.values[metric].count == len(known)
            assert head.values[metric].mean == pytest.approx(known.mean())
            assert head.values[metric].deviation == pytest.approx(known.std(ddof=1))


def test_the_order_of_the_texts_does_not_matter():
    shuffled = list(TEXTS)
    random.Random(0).shuffle(shuffled)
    for one, other in zip(gathered(TEXTS).heads(), gathered(shuffled).heads(), strict=True):
        for metric in Metric:
            ours, theirs = (list(vars(head.values[metric]).values()) for head in (one, other))
            assert_allclose(ours, theirs, rtol=1e-12)


def test_heads_are_sorted_by_a_metric_and_what_is_unknown_comes_last():
    heads = gathered(TEXTS).heads(Metric.ENTROPY)
    values = [head.values[Metric.ENTROPY].mean for head in heads]
    assert values == sorted(values, reverse=True)
    assert [head.head for head in gathered(["a b c"]).heads(Metric.DUPLICATE)] == [0, 1, 2]


def test_a_text_counts_in_all_layers_or_in_none():
    query = numpy.random.default_rng(0).normal(size=(2, 3, 4))
    rules = (Rule(), Rule(scale=2.0), Rule())  # which are not measured together
    layers = tuple(Layer(query, query, query, rule, index) for index, rule in enumerate(rules))
    trace, statistics = Trace(tuple("abc"), layers), Statistics()
    statistics.add(trace, select(trace))
    before, calls = statistics.heads(), iter(range(9))

    def interrupted(*_):
        if next(calls) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        statistics.add(trace, select(trace), interrupted)
    assert (statistics.texts, statistics.tokens) == (1, 3)
    assert {value.count for head in statistics.heads() for value in head.values.values()} <= {0, 1}
    means = [[head.values[Metric.ENTROPY].mean for head in heads] for heads in (statistics.heads(), before)]
    assert means[0] == means[1]


def test_what_special_tokens_took_is_the_mean_over_the_texts_that_have_some():
    zeros = numpy.zeros((2, 4, 3))
    statistics = Statistics()
    assert statistics.left_out is None
    for special in ([0], [0, 3], []):  # 1/4 and 1/2 of even weights
        trace = Trace(tuple("abcd"), (Layer(zeros, zeros, zeros),), {"ids": [5, 6, 7, 8], "special": special})
        statistics.add(trace, select(trace, skip_special=True))
    assert statistics.left_out == pytest.approx(3 / 8)
    assert statistics.texts == 3


def test_only_the_chosen_heads_are_measured():
    assert [head.head for head in gathered(TEXTS, head=["2,0"]).heads()] == [2, 0]


def test_the_rows_of_the_last_text_are_what_was_measured_of_it():
    statistics = gathered(TEXTS[:1])
    trace = trace_text(TEXTS[3], heads=3, causal=True)
    statistics.add(trace, select(trace), name="line 4")
    metrics = head_metrics(trace, trace.layers[0])
    rows = list(statistics.rows())
    assert [row[:5] for row in rows] == [("line 4", 8, 0, "layer 0", head) for head in range(3)]
    for head, row in enumerate(rows):
        assert_allclose(row[5], [metrics[metric][head] for metric in Metric], rtol=1e-12)


def test_before_any_text_there_are_no_rows():
    with pytest.raises(AttnvizError, match="no text has been added yet"):
        Statistics().rows()


def test_a_text_without_a_name_is_called_by_its_number():
    assert gathered(TEXTS[:2]).rows().name == "2"


def test_a_text_of_other_heads_is_refused_and_counts_for_nothing():
    statistics, other = gathered(TEXTS[:1]), trace_text("a b", heads=2)
    with pytest.raises(AttnvizError, match=r"head is \[0, 1, 2\] in one and \[0, 1\] in the other"):
        statistics.add(other, select(other))
    assert statistics.texts == 1


def test_heads_have_their_quantiles_and_top_texts():
    statistics = Statistics(quantiles=(1.0, 0.0), top_texts=1)
    for number, text in enumerate(TEXTS):
        trace = trace_text(text, heads=2)
        statistics.add(trace, select(trace), name=f"line {number}")
    values = numpy.array(
        [head_metrics(trace_text(text, heads=2), trace_text(text, heads=2).layers[0])[Metric.ENTROPY] for text in TEXTS]
    )
    for head in statistics.heads():
        least, most = values[:, head.head].min(), values[:, head.head].max()
        assert head.quantiles[Metric.ENTROPY] == pytest.approx([least, most], rel=1e-6)
        (top,) = head.top[Metric.ENTROPY]
        assert (top.value, top.name) == (most, f"line {values[:, head.head].argmax()}")
        assert top.excerpt == TEXTS[values[:, head.head].argmax()]


def test_contributions_have_no_names_and_a_part_of_a_text_is_a_region():
    query = numpy.random.default_rng(0).normal(size=(2, 3, 4))
    output = {"output": Projection(numpy.eye(8), None)}
    trace = Trace(tuple("abc"), (Layer(query, query, query, Rule(), projections=output),))
    statistics = Statistics(step=MeasuredStep.CONTRIBUTION)
    statistics.add(trace, select(trace, query="1:", key="0:2").as_region())
    assert statistics.regions == {(range(1, 3), range(2))}
    assert statistics.toward == ""
    assert [head.names for head in statistics.heads()] == [(), ()]
