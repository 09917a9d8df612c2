"""The names of heads below the table, and in the data: who has which, by which number, and what the texts cannot tell."""

from __future__ import annotations

import csv
import json

import numpy
import pytest

from attnviz import stats, trace_text, trace_weights
from attnviz.analysis.head_names import Chance, limit
from attnviz.choices import Language
from attnviz.renderers.stats.head_csv import to_csv
from attnviz.renderers.stats.head_json import to_json
from attnviz.renderers.stats.head_table import to_renderable
from attnviz.renderers.stats.named import least, name_lines, untold
from attnviz.text.lessons import lessons


def before(tokens: str, heads: int = 7):
    """Weights alone of heads that look at the token before, the last of them at the first token."""
    count = len(tokens.split())
    weights = numpy.tile(numpy.eye(count, k=-1), (1, heads, 1, 1))
    weights[..., 0, 0] = 1
    weights[0, -1] = numpy.eye(count)[0]
    return trace_weights(weights, tokens.split())


ALPHABET = " ".join("abcdefghijklmnopqrstuvwx")


def test_below_the_table_each_name_is_a_line_with_its_heads(measured, rendered):
    lines = rendered(to_renderable(measured(before(ALPHABET)), None), 200)
    start = next(place for place, line in enumerate(lines) if line.startswith("Heads that have a name"))
    assert lines[start + 1] == f"first-token sink: layer 0 · 6 1.00 (≥ {least([limit(0.3, Chance(1 / 24, 24))])})"
    five = ", ".join(f"layer 0 · {head} 1.00" for head in range(5))
    assert lines[start + 2] == f"previous token: {five}, and 1 more (≥ 0.53)"  # a half of what lies above 1 / 24
    assert lines[start + 3].startswith("local: no head (≥ ")
    assert lines[start + 4] == "broad: no head (≥ 0.85)"
    assert lines[start + 5].startswith("Not told: duplicate token, induction. No query")
    assert lines[start + 6] == ""


def test_a_short_text_says_that_it_is_short(measured):
    lines = name_lines(measured(trace_text("a b a", causal=True)), lessons(Language.VI))
    assert lines[-1].startswith(
        "Không biết được: sink ở token đầu tiên, token đứng trước, token lặp lại, quy nạp, cục bộ"
    )
    assert "quá ngắn" in lines[-1]


def test_the_largest_values_have_no_names(measured):
    statistics = measured(before(ALPHABET), pool="max")
    assert name_lines(statistics, lessons()) == [lessons().say("names.largest")]
    assert untold(statistics) == []
    assert all(head.names == () for head in statistics.heads())


def test_the_data_hold_the_same(measured):
    statistics = measured(before(ALPHABET))
    data = json.loads(to_json(statistics, None))
    assert data["untold"] == ["duplicate", "induction"]
    assert data["thresholds"]["previous-token"] == 0.5
    (found,) = data["heads"][3]["names"]
    assert (found["name"], found["metric"], found["value"]) == ("previous-token", "previous", 1.0)
    rows = list(csv.DictReader(to_csv(statistics, None).splitlines()))
    named = [row for row in rows if row["head"] == "3" and row["found"]]
    assert [(row["metric"], row["found"]) for row in named] == [("previous", "previous-token")]
    assert float(named[0]["threshold"]) == found["threshold"]
    assert {row["threshold"] for row in rows if row["metric"] in ("duplicate", "entropy", "self")} == {""}


def test_only_metrics_that_were_measured_give_names():
    statistics = stats(before(ALPHABET), metrics="entropy").statistics
    assert name_lines(statistics, lessons()) == []
    assert json.loads(to_json(statistics, None))["untold"] == []


@pytest.mark.parametrize(("limits", "said"), [([0.5], "0.50"), ([0.501], "0.51"), ([0.3, 0.512], "0.30–0.52")])
def test_a_threshold_is_rounded_up(limits, said):
    assert least(limits) == said


@pytest.mark.parametrize("language", list(Language))
def test_contributions_have_no_names(language):
    measured = stats(trace_text(ALPHABET, heads=2), step="contribution")
    words = lessons(language)
    assert name_lines(measured.statistics, words) == [words.say("names.contribution")]
    assert all(not head.names for head in measured.statistics.heads())
