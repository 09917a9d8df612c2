"""Statistics as JSON: every number of every head, and what they are of."""

from __future__ import annotations

import json

import pytest
from made_corpora import measured as corpus

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


def test_quantiles_top_texts_and_why_texts_were_left_out_are_there_where_they_are_kept():
    statistics = corpus(range(1, 7), quantiles=(0.5,), top_texts=1)
    statistics.skip("too long", "line 8")
    statistics.skip("too long", "line 9")
    told = json.loads(to_json(statistics, None))
    assert (told["skipped"], told["quantile_rank_error"]) == (2, 0.0)
    assert told["skipped_because"] == [{"why": "too long", "texts": 2, "first": ["line 8", "line 9"]}]
    metric, head = told["heads"][0]["metrics"]["first"], statistics.heads()[0]
    assert metric["quantiles"] == {"0.5": head.quantiles[Metric.FIRST][0]}
    (top,) = head.top[Metric.FIRST]
    assert metric["top_texts"] == [{"text": top.name, "value": top.value, "excerpt": top.excerpt}]
    while statistics.texts <= 200:
        statistics = statistics.merged(statistics)
    assert 0.01 < json.loads(to_json(statistics, None))["quantile_rank_error"] < 0.02
    bare = json.loads(to_json(corpus([3]), None))
    assert not {"skipped_because", "quantile_rank_error"} & set(bare)
