"""The strongest pattern of a head."""

from __future__ import annotations

import math

import numpy
import pytest

from attnviz import Layer, Rule, Trace
from attnviz.analysis.measure import head_metrics
from attnviz.analysis.metrics import Metric
from attnviz.renderers.page.patterns import CLEAR, EVEN, MEASURED, PATTERNS, Pattern, pattern_record, strongest
from attnviz.text.lessons import lessons


def of(**values):
    return strongest(dict.fromkeys(MEASURED, math.nan) | {Metric(name): value for name, value in values.items()})


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ({"previous": 0.97, "first": 0.2, "evenness": 0.1}, Pattern("previous", 0.97)),
        ({"first": CLEAR, "previous": 0.3}, Pattern("sink", CLEAR)),
        ({"first": CLEAR - 0.01, "self": 0.3}, Pattern("first", CLEAR - 0.01)),
        ({"self": CLEAR, "evenness": 0.99}, Pattern("self", CLEAR)),
        ({"self": CLEAR - 0.01, "evenness": EVEN}, Pattern("even", EVEN)),
        ({"self": CLEAR - 0.01, "evenness": EVEN - 0.01}, Pattern("self", CLEAR - 0.01)),
        ({"induction": 0.8, "duplicate": 0.7}, Pattern("induction", 0.8)),
        ({"duplicate": 0.7}, Pattern("duplicate", 0.7)),
        ({}, None),
    ],
)
def test_the_largest_weight_that_is_clear_is_the_pattern(values, pattern):
    assert of(**values) == pattern


def test_a_head_that_looks_at_the_word_before_is_said_to():
    bias = numpy.full((5, 5), -9.0)
    bias[numpy.arange(1, 5), numpy.arange(4)] = 0
    vectors = numpy.zeros((1, 5, 2))
    trace = Trace(tuple("abcab"), (Layer(vectors, vectors, vectors, Rule(causal=True, bias=bias)),))
    values = {metric: float(value[0]) for metric, value in head_metrics(trace, trace.layers[0], only=MEASURED).items()}
    assert pattern_record(values) == ["previous", 1.0]


def test_each_pattern_has_its_words_and_its_meaning_and_no_other_has():
    names = {metric.value for metric in PATTERNS} | {"sink", "even"}
    assert {name for name in lessons().messages if name.startswith(("pattern.", "meaning."))} == {
        "pattern.ask",
        *(f"{group}.{name}" for group in ("pattern", "meaning") for name in names),
    }


def test_nothing_to_tell_is_told():
    assert pattern_record({}) is None
