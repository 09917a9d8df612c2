"""What each head does: every metric against its definition, written out cell by cell."""

from __future__ import annotations

import math

import numpy
import pytest
from metric_texts import LEFT, RULES, TEXT, WHOLE, trace
from numpy.testing import assert_allclose

from attnviz.analysis.measure import measure_heads
from attnviz.analysis.metrics import Metric


def allowed(rule) -> numpy.ndarray:
    """Which keys each query may look at, (queries, keys), from the words of the rule alone."""
    places = numpy.arange(len(TEXT))
    behind = places[:, None] + rule.get("query_offset", 0) - places
    seen = behind >= 0 if rule.get("causal") else numpy.ones_like(behind, dtype=bool)
    seen = seen & (abs(behind) < rule.get("window", numpy.inf)) & rule.get("mask", True)
    if "bias" not in rule:
        return seen
    lowered = seen & (rule["bias"] == 0)
    return numpy.where(lowered.any(axis=1, keepdims=True), lowered, seen)  # lowered as a whole, a row is not hidden


def mean(values) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def by_definition(metric: Metric, weights, visible, near: int, offset: int = 0, left=WHOLE) -> float:
    """One head's value, from its rows of weights and of what the mask allows."""
    first = min((key for key in left if visible[:, key].any()), default=-1)
    return mean(value(metric, query + offset, weights[query], visible[query], near, left, first) for query in left)


def value(metric: Metric, query: int, row, allowed, near: int, left, first: int) -> float:
    keys = [key for key in left if allowed[key]]
    if not keys:
        return math.nan
    rest = max(0.0, 1 - sum(row[key] for key in keys))
    row = [share if key in keys else 0.0 for key, share in enumerate(row)]
    shares = [share for share in (*row, rest if rest > 1e-12 else 0.0) if share > 0]
    entropy = -sum(share * math.log2(share) for share in shares)
    token = TEXT[query] if query < len(TEXT) else None
    copies = [key for key in range(min(query, len(TEXT))) if TEXT[key] == token]

    def on(places):
        places = [key for key in places if key in keys]
        return sum(row[key] for key in places) if places else math.nan

    match metric:
        case Metric.ENTROPY:
            return entropy
        case Metric.EVENNESS:
            options = len(keys) + (rest > 1e-12)
            return entropy / math.log2(options) if options > 1 else math.nan
        case Metric.LARGEST:
            return max(row)
        case Metric.EFFECTIVE_KEYS:
            return sum(row) ** 2 / sum(share**2 for share in row)
        case Metric.FIRST:
            return row[first] if first in keys and len(keys) > 1 else math.nan
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
        case Metric.MASS:
            return sum(row)


# Whose token a query behind an offset has is told by no text, so nothing is known of its copies.
DEFINED = [
    (name, metric)
    for name, rule in RULES.items()
    for metric in Metric
    if not (rule.get("query_offset") and metric in (Metric.DUPLICATE, Metric.INDUCTION))
]


@pytest.mark.parametrize("left", [None, LEFT], ids=["whole", "some"])
@pytest.mark.parametrize(("name", "metric"), DEFINED)
@pytest.mark.some(52)
def test_every_metric_is_its_definition(name, metric, left):
    rule = RULES[name]
    made = trace(**rule)
    steps = made.layers[0].steps()
    where = {"offset": rule.get("query_offset", 0)} | ({} if left is None else {"left": left})
    expected = [by_definition(metric, weights, allowed(rule), 3, **where) for weights in steps.weights]
    assert_allclose(
        measure_heads(made, made.layers[0], 3, queries=left, keys=left).metrics[metric], expected, atol=1e-9
    )


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_has_a_definition_in_words(metric):
    assert len(metric.function.__doc__) > 40
    assert metric.unit
