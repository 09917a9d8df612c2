"""The strongest pattern of a head."""

from __future__ import annotations

import math

import numpy
import pytest

from attnviz import Layer, Rule, Trace
from attnviz.analysis.measure import measure_heads
from attnviz.analysis.metrics import Metric
from attnviz.renderers.page.patterns import CLEAR, COVERED, EVEN, MEASURED, PATTERNS, Pattern, pattern_record, strongest
from attnviz.text.lessons import lessons

EVERY = dict.fromkeys(MEASURED, 1.0)  # query has an answer to each


def of(covered=EVERY, drawn=False, **values):
    known = {Metric(name): value for name, value in values.items()}
    return strongest(dict.fromkeys(MEASURED, math.nan) | known, covered, drawn)


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
    assert record_of(trace) == ["previous", 1.0]


def record_of(trace, head=0):
    measured = measure_heads(trace, trace.layers[0], only=MEASURED)
    values, covered = (
        {metric: float(one[metric][head]) for metric in MEASURED} for one in (measured.metrics, measured.covered)
    )
    return pattern_record(values, covered)


def test_what_few_queries_do_is_no_pattern_of_the_head():
    few = EVERY | {Metric.DUPLICATE: COVERED - 0.01, Metric.INDUCTION: COVERED}
    assert of(few, duplicate=0.9, self=0.3) == Pattern("self", 0.3)
    assert of(few, duplicate=0.9) is None
    assert of(few, induction=0.9, self=0.3) == Pattern("induction", 0.9)
    assert of(few, duplicate=0.9, self=0.3, evenness=EVEN) == Pattern("even", EVEN)


@pytest.mark.parametrize(("text", "pattern"), [("abcda", "self"), ("aaaaa", "duplicate")])
def test_a_copy_counts_where_half_of_the_queries_have_one(text, pattern):
    """Each query with an earlier copy looks at these; the others at themselves."""
    vectors = numpy.zeros((1, 5, 2))
    bias = numpy.array(
        [[0.0 if text[key] == text[query] and key < query else -50.0 for key in range(5)] for query in range(5)]
    )
    bias[numpy.arange(5), numpy.arange(5)] = -25
    trace = Trace(tuple(text), (Layer(vectors, vectors, vectors, Rule(causal=True, bias=bias)),))
    assert record_of(trace)[0] == pattern


def test_drawn_numbers_have_no_sink():
    assert of(first=CLEAR) == Pattern("sink", CLEAR)
    assert of(first=CLEAR, drawn=True) == Pattern("first", CLEAR)


def test_each_pattern_has_its_words_and_its_meaning_and_no_other_has():
    names = {metric.value for metric in PATTERNS} | {"sink", "even"}
    assert {name for name in lessons().messages if name.startswith(("pattern.", "meaning."))} == {
        "pattern.ask",
        *(f"{group}.{name}" for group in ("pattern", "meaning") for name in names),
    }


def test_nothing_to_tell_is_told():
    assert pattern_record({}, {}) is None
