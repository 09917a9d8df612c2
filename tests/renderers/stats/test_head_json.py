"""Statistics as JSON: every number of every head, and what they are of."""

from __future__ import annotations

import json

import pytest

from attnviz import trace_text
from attnviz.analysis.metrics import Metric
from attnviz.renderers.stats.head_json import to_json


def test_every_value_is_there_in_full(measured):
    statistics = measured()
    told = json.loads(to_json(statistics, None))
    assert [(head["layer"], head["name"], head["head"]) for head in told["heads"]] == [
        (0, "layer 0", 0),
        (0, "layer 0", 1),
    ]
    for head, ours in zip(told["heads"], statistics.heads(), strict=True):
        for metric in Metric:
            value = ours.values[metric]
            assert head["metrics"][metric.value] == {
                "mean": pytest.approx(value.mean, nan_ok=True), "deviation": None, "count": value.count,
            }  # fmt: skip


def test_what_no_text_had_an_answer_for_is_null(measured):
    [head] = json.loads(to_json(measured(trace_text("a b")), None))["heads"]
    assert head["metrics"]["duplicate"] == {"mean": None, "deviation": None, "count": 0}


def test_it_says_of_what_it_is(measured):
    told = json.loads(to_json(measured(query="2:4", key="1:3", near=3, pool="max"), Metric.MASS))
    assert (told["attnviz"], told["texts"], told["tokens"], told["skipped"], told["partial"]) == (1, 1, 6, 0, False)
    assert (told["near"], told["pool"], told["regions"]) == (3, "max", [[[2, 4], [1, 3]]])
    assert 0 < told["hidden_share"] < 1
    masses = [head["metrics"]["mass"]["mean"] for head in told["heads"]]
    assert masses == sorted(masses, reverse=True)
    assert json.loads(to_json(measured(key="1:3"), None))["regions"] == [[[], [1, 3]]]


def test_each_metric_says_over_which_queries_it_is(measured):
    told = json.loads(to_json(measured(), None))["over"]
    assert set(told) == {metric.value for metric in Metric}
    assert told["previous"] == "the queries that see the token before"
    assert told["entropy"] == "the queries that see a key"
