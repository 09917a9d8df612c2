"""What is said beside the numbers of heads, and that every metric has its words."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Trace, trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.measure import measure_heads
from attnviz.analysis.metrics import Metric
from attnviz.choices import Language, MeasuredStep
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.renderers.stats.facts import facts, footnotes, over, reading
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select

EVERY_LANGUAGE = pytest.mark.parametrize("language", list(Language))


def without_words(messages):
    """The metrics that have no title, no queries, or no word for their unit; and the words that no metric has."""
    wanted = {f"metric.{metric}{end}" for metric in Metric for end in ("", "_over")}
    wanted |= {f"unit.{metric.unit}" for metric in Metric if metric.unit not in ("weight", "share")}
    return wanted ^ {name for name in messages if name.startswith(("metric.", "unit."))}


@EVERY_LANGUAGE
def test_every_metric_has_its_words_and_no_other_has(language):
    messages = lessons(language).messages
    assert without_words(messages) == set()
    assert without_words({name: text for name, text in messages.items() if name != "metric.near"}) == {"metric.near"}
    assert without_words({**messages, "metric.planted_over": ""}) == {"metric.planted_over"}


def test_one_line_says_of_what_the_numbers_are(measured):
    assert facts(measured(), lessons()) == "texts: 1 · tokens: 6"
    statistics = measured(trace_text("a b"), trace_text("c d e"))
    statistics.partial = True
    for _ in range(3):
        statistics.skip("unread")
    assert (
        facts(statistics, lessons()) == "texts: 2 · tokens: 5 · skipped: 3 · partial: interrupted before the last text"
    )


def test_a_region_is_named_and_what_the_other_keys_took(measured):
    assert facts(measured(key="1:3"), lessons()).startswith(
        "texts: 1 · tokens: 6 · keys 1–2 · other keys took on average "
    )
    assert facts(measured(query="2:4", key="0:1"), lessons()).startswith(
        "texts: 1 · tokens: 6 · queries 2–3, key 0 · other keys"
    )
    statistics = measured(key="1:3")
    statistics.regions |= measured(key="0:2").regions
    assert " · 2 regions · other keys" in facts(statistics, lessons())


def test_what_special_tokens_took_is_said(measured):
    zeros = numpy.zeros((4, 2))
    trace = Trace(tuple("abcd"), (Layer(zeros, zeros, zeros),), {"ids": [5, 6, 7, 8], "special": [0]})
    statistics = measured(trace, skip_special=True)
    assert facts(statistics, lessons()).endswith("special tokens hidden: they took on average 25 % of the weights")
    assert reading(statistics, lessons()).endswith("; to entropy and evenness, what is hidden is one more key")
    assert reading(measured(key="1:3"), lessons()).endswith(
        "; to entropy and evenness, all other keys together are one more key"
    )


@EVERY_LANGUAGE
def test_the_reading_says_what_stands_for_the_queries_and_every_unit(measured, language):
    words = lessons(language)
    one, two = reading(measured(near=5), words), reading(measured(trace_text("a b"), trace_text("c d")), words)
    queries = words.say("metric.entropy_over")  # those that see a key
    mean, largest = (words.say(f"stats.{name}", queries=queries) for name in ("mean", "largest"))
    assert one.startswith(mean + "; ")
    assert two.startswith(mean + words.say("stats.texts") + "; ")
    assert reading(measured(pool="max"), words).startswith(largest + "; ")
    for metric in Metric:
        if metric.unit not in ("weight", "share"):
            assert words.say("stats.unit", metric=metric.value, unit=words.say(f"unit.{metric.unit}")) in one
    assert words.say("stats.near", near=5) in one


def test_the_reading_says_that_only_the_queries_that_see_a_key_count(measured):
    assert reading(measured(), lessons()).startswith("mean over the queries that see a key; ")
    assert reading(measured(pool="max"), lessons()).startswith("largest value of the queries that see a key; ")


def test_each_metric_says_what_it_is_and_one_that_leaves_queries_out_over_which():
    notes = footnotes(Metric, lessons())
    assert [note.partition(": ")[0] for note in notes] == [metric.value for metric in Metric]
    assert [note.partition(": ")[0] for note in notes if ", over the queries" in note] == [
        "evenness", "first", "self", "previous", "duplicate", "induction",
    ]  # fmt: skip
    assert "previous: Weight on the token before, over the queries that see the token before" in notes
    assert footnotes([Metric.LARGEST], lessons()) == ["largest: Largest weight of a query"]
    assert footnotes([Metric.NEAR], lessons(Language.VI)) == ["near: Trọng số ở các Key ở gần"]


@pytest.mark.parametrize(
    ("metric", "seeing"),
    [
        (Metric.ENTROPY, 5), (Metric.EVENNESS, 4), (Metric.LARGEST, 5), (Metric.EFFECTIVE_KEYS, 5),
        (Metric.FIRST, 4), (Metric.SELF, 5), (Metric.PREVIOUS, 4), (Metric.DUPLICATE, 2), (Metric.INDUCTION, 2),
        (Metric.DISTANCE, 5), (Metric.NEAR, 5), (Metric.MASS, 5),
    ],
)  # fmt: skip
def test_the_queries_that_a_metric_is_said_to_be_over_are_those_that_have_a_value(metric, seeing):
    """Of "a b a b c", causally: counted by hand from the words of the lessons, and in the values of single queries."""
    trace = trace_text("a b a b c", causal=True)
    layer = trace.layers[0]
    single = [measure_heads(trace, layer, queries=[query]).metrics[metric][0] for query in range(5)]
    assert int(numpy.isfinite(single).sum()) == seeing
    everything = over(metric, lessons()) == over(Metric.ENTROPY, lessons())
    assert everything == (seeing == 5) or metric is Metric.SELF


@EVERY_LANGUAGE
@pytest.mark.parametrize("step", [MeasuredStep.CONTRIBUTION, MeasuredStep.SUMMED])
def test_it_says_that_contributions_are_measured(language, step):
    words = lessons(language)
    statistics = Statistics(step=step)
    trace = trace_text("a b c", heads=2)
    statistics.add(trace, select(trace, key="1:3").as_region())
    assert words.say(f"stats.of_{step.value}") in facts(statistics, words)
    assert words.say("stats.shares_of_contribution") in reading(statistics, words)
    assert words.say("stats.left_out_contribution", share=brief_percent(statistics.left_out)) in facts(
        statistics, words
    )
