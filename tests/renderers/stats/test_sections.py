"""What stands below the table of a corpus."""

from __future__ import annotations

from made_corpora import measured
from made_effects import gathered

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.metrics import Metric
from attnviz.choices import Effect, Language
from attnviz.renderers.stats.sections import head_word, quantile_words, skipped_lines, top_lines
from attnviz.text.lessons import lessons
from attnviz.text.message import Message

WORDS = lessons()


def test_texts_that_were_left_out_are_told_by_reason():
    statistics = Statistics()
    assert skipped_lines(statistics, WORDS) == []
    for number in range(1, 6):
        statistics.skip(
            Message(
                "the text has {tokens:,} tokens but the tiny model has {positions} positions",
                tokens=number * 1000,
                positions=9,
            ),
            f"line {number}",
        )
    statistics.skip("odd", "line 9")
    assert skipped_lines(statistics, WORDS) == [
        "Texts that were left out",
        "5: the text has … tokens but the tiny model has 9 positions (line 1, line 2, line 3, …)",
        "1: odd (line 9)",
    ]
    vietnamese = skipped_lines(statistics, lessons(Language.VI))[1]
    assert "văn bản" in vietnamese
    assert "(dòng 1, dòng 2, dòng 3, …)" in vietnamese


def test_of_many_reasons_the_rest_is_counted():
    statistics = Statistics()
    for number in range(8):
        statistics.skip(f"reason {number}", f"line {number}")
    assert skipped_lines(statistics, WORDS)[-1] == "3 for other reasons, which JSON holds"
    assert len(skipped_lines(statistics, WORDS)) == 7


def test_for_each_metric_the_top_texts_of_the_head_with_the_largest_mean_are_named():
    statistics = measured(range(1, 7), top_texts=2)
    heading, named, first, second, *rest = top_lines(statistics, [Metric.ENTROPY, Metric.INDUCTION], WORDS)
    best = max(statistics.heads(), key=lambda head: head.values[Metric.ENTROPY].mean)
    assert heading.startswith("For each metric, the head with the largest mean")
    assert named == f"entropy: {best.layer} · {best.head}"
    assert [first, second] == [f"  {one.value:.3g} {one.name}: {one.excerpt}" for one in best.top[Metric.ENTROPY]]
    assert rest[0].startswith("induction: ")
    assert top_lines(measured([3]), [Metric.ENTROPY], WORDS) == []


def test_texts_and_heads_are_named_in_the_language_of_the_reader():
    vietnamese = lessons(Language.VI)
    _, _, first = top_lines(measured([3], top_texts=1), [Metric.ENTROPY], vietnamese)
    assert " dòng 3: " in first
    assert (head_word(None, vietnamese), head_word(2, vietnamese)) == ("mọi đầu", "2")


def test_the_head_that_is_missed_most_is_that_without_which_the_probability_falls_most():
    heading, named, first = top_lines(gathered(top_texts=1), [Effect.PROBABILITY], WORDS)
    assert heading.startswith("For each effect, the head that is missed most")
    assert (named, first.split()[0]) == ("probability: layer 0 · 0", "-0.125")


def test_a_metric_that_no_text_has_an_answer_for_has_no_top_texts():
    statistics = measured([0], top_texts=2)
    assert top_lines(statistics, [Metric.DUPLICATE], WORDS)[1:] == []


def test_what_stands_in_brackets_is_told_and_how_exact_it_is():
    assert quantile_words(measured([1, 2]), WORDS) == ""
    assert quantile_words(measured([1], quantiles=(0.5,)), WORDS) == ""
    few = measured([1, 2], quantiles=(0.05, 0.5))
    assert quantile_words(few, WORDS).endswith("of the texts lie: 0.05, 0.5")
    while few.texts <= 200:
        few = few.merged(few)
    assert quantile_words(few, WORDS).endswith("give or take 0.013: 0.05, 0.5")
