"""What each head does: every metric against its definition, written out cell by cell."""

from __future__ import annotations

import math

import numpy
import pytest
from numpy.testing import assert_allclose

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.choices import Metric
from attnviz.metrics import COMPUTE, head_metrics
from attnviz.rows import row_blocks

DRAW = numpy.random.default_rng(0)
TEXT = ["the", "cat", "sat", "on", "the", "mat", "and", "the", "cat", "slept", "on", "the", "mat", "again"]
RULES = {
    "plain": {},
    "causal": {"causal": True},
    "window": {"causal": True, "window": 3},
    "sinks": {"causal": True, "sinks": numpy.array([0.5, -1.0, 2.0, 0.0])},
    "blind": {"mask": numpy.arange(len(TEXT))[:, None] != 2},
}


def trace(**rule) -> Trace:
    query, key = (DRAW.normal(size=(heads, len(TEXT), 6)) for heads in (4, 2))
    return Trace(tuple(TEXT), (Layer(query, key, key, Rule(**rule)),))


def mean(values) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def by_definition(metric: Metric, weights, visible, near: int) -> float:
    """One head's value, from its rows of weights and of what the mask allows."""
    return mean(
        value(metric, query, row, allowed, near)
        for query, (row, allowed) in enumerate(zip(weights, visible, strict=True))
    )


def value(metric: Metric, query: int, row, allowed, near: int) -> float:
    keys = range(len(row))
    if not any(allowed):
        return math.nan
    sink = max(0.0, 1 - sum(row))
    shares = [share for share in (*row, sink if sink > 1e-12 else 0.0) if share > 0]
    entropy = -sum(share * math.log2(share) for share in shares)
    copies = [key for key in keys if TEXT[key] == TEXT[query] and key < query]

    def on(places):
        places = [key for key in places if allowed[key]]
        return sum(row[key] for key in places) if places else math.nan

    match metric:
        case Metric.ENTROPY:
            return entropy
        case Metric.EVENNESS:
            options = sum(allowed) + (sink > 1e-12)
            return entropy / math.log2(options) if options > 1 else math.nan
        case Metric.LARGEST:
            return max(row)
        case Metric.EFFECTIVE_KEYS:
            return sum(row) ** 2 / sum(share**2 for share in row)
        case Metric.FIRST:
            return row[0] if any(allowed[1:]) else math.nan
        case Metric.SELF:
            return on([query])
        case Metric.PREVIOUS:
            return on([query - 1] if query else [])
        case Metric.DUPLICATE:
            return on(copies)
        case Metric.INDUCTION:
            return on(key + 1 for key in copies if key + 1 < query)
        case Metric.DISTANCE:
            return sum(row[key] * abs(query - key) for key in keys) / sum(row)
        case Metric.NEAR:
            return sum(row[key] for key in keys if abs(query - key) < near)


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_metric_is_its_definition(metric, rule):
    made = trace(**rule)
    steps = made.layers[0].steps()
    expected = [
        by_definition(metric, weights, masked > -math.inf, 3)
        for weights, masked in zip(steps.weights, steps.masked, strict=True)
    ]
    assert_allclose(head_metrics(made, made.layers[0], near=3)[metric], expected, atol=1e-9)


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_has_a_definition_in_words(metric):
    assert len(COMPUTE[metric].__doc__) > 40


@pytest.mark.parametrize("cells", [1, 14 * 5, 14 * 2 * 3, 10**9])
def test_block_by_block_gives_the_same(monkeypatch, cells):
    made = trace(**RULES["sinks"])
    whole = head_metrics(made, made.layers[0])
    monkeypatch.setattr("attnviz.rows.CELLS", cells)
    for metric, values in head_metrics(made, made.layers[0]).items():
        assert_allclose(values, whole[metric], atol=1e-12)


def test_blocks_hold_every_row_once(monkeypatch):
    made = trace(causal=True, window=5, bias=DRAW.normal(size=(4, 14, 14)))
    monkeypatch.setattr("attnviz.rows.CELLS", 14 * 2 * 3)
    whole = made.layers[0].steps()
    seen = numpy.zeros((4, 14), dtype=int)
    for block in row_blocks(made.layers[0]):
        seen[block.heads, block.rows] += 1
        for ours, theirs in zip(block.steps, whole, strict=True):
            assert_allclose(ours, theirs[block.heads, block.rows], atol=1e-12)
    assert (seen == 1).all()


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


def test_even_weights_have_the_largest_entropy():
    zeros = numpy.zeros((1, 8, 2))
    metrics = head_metrics(made := Trace(tuple("abcdefgh"), (Layer(zeros, zeros, zeros),)), made.layers[0])
    assert metrics[Metric.ENTROPY] == pytest.approx(3)
    assert metrics[Metric.EVENNESS] == pytest.approx(1)
    assert metrics[Metric.EFFECTIVE_KEYS] == pytest.approx(8)


def test_torch_and_numpy_agree():
    made = trace_text(" ".join(TEXT), heads=3, causal=True)
    other = made.to("torch")
    ours, theirs = (head_metrics(one, one.layers[0]) for one in (made, other))
    for metric in Metric:
        assert_allclose(theirs[metric], ours[metric], atol=1e-9)
