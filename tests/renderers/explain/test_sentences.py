"""What is said of each step of a head: true of the numbers beside it, of what is shown, in every language."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.renderers.explain.document import Section
from attnviz.text.lessons import lessons
from tests.support.explained import LANGUAGES, attended, by_head, found, parsed, say


@LANGUAGES
def test_the_best_match_has_the_largest_score(trace, told, lang):
    scores = attended(trace).scores
    groups = by_head(told(trace, lang, step=["scores"], precision=17))
    for head, section in enumerate([one for group in groups for one in group]):
        (here,) = found("scores.here", lang, section.sentences)
        queries, keys = trace.query_tokens(trace.layers[0]), trace.key_tokens(trace.layers[0])
        assert float(here["score"]) == pytest.approx(scores[head].max(), rel=1e-8, abs=1e-9)
        assert (here["query"], here["key"]) in {
            (queries[row], keys[column]) for row, column in numpy.argwhere(scores[head] == scores[head].max())
        }


@LANGUAGES
def test_the_sentence_of_scaling_repeats_the_numbers_of_both_tables(trace, told, lang):
    groups = by_head(told(trace, lang, step=["scores", "scaled"], max_tokens=100))
    sections = [one for group in groups for one in group]
    for before, after in zip(sections[::2], sections[1::2], strict=True):
        (here,) = found("scaled.here", lang, after.sentences)
        rows = [row.removesuffix(" ∅") for row in before.matrices[0].rows]
        row, column = rows.index(here["query"]), before.matrices[0].columns.index(here["key"])
        assert float(here["score"]) == pytest.approx(parsed(before.matrices[0])[row, column], abs=1e-4, rel=1e-4)
        assert float(here["scaled"]) == pytest.approx(parsed(after.matrices[0])[row, column], abs=1e-4, rel=1e-4)


@LANGUAGES
def test_the_key_looked_at_most_has_the_largest_weight_of_its_row(trace, told, lang):
    sections = [one for group in by_head(told(trace, lang, step=["weights"], max_tokens=100)) for one in group]
    for head, section in enumerate(sections):
        here, weights = found("weights.here", lang, section.sentences), attended(trace).weights[head]
        assert len(here) == (1 if weights.any() else 0)
        for one in here:
            matrix = section.matrices[0]
            row = parsed(matrix, skip_last=True)[matrix.rows.index(one["query"])]
            assert row[matrix.columns.index(one["key"])] == row.max()
            assert float(one["weight"]) == pytest.approx(row.max(), abs=0.0051)


def test_a_small_weight_is_not_said_to_be_nothing(told):
    array = numpy.ones((300, 2))
    trace = Trace(tuple(f"w{place}" for place in range(300)), (Layer(array, array, array),))
    (section,) = [part for part in told(trace, step=["weights"]) if isinstance(part, Section)]
    (here,) = found("weights.tie", "en", section.sentences)
    assert float(here["weight"]) == pytest.approx(1 / 300, rel=0.05)
    assert here["keys"] == "`w0`, `w1`, `w2`, `w3`, …"


@LANGUAGES
def test_a_sum_of_one_is_claimed_once_and_only_where_rows_sum_to_one(trace, told, lang):
    said = False
    for section in (one for group in by_head(told(trace, lang, step=["weights"], max_tokens=100)) for one in group):
        sums = [float(cells[-1]) for cells in section.matrices[0].cells]
        claimed = say("weights.sum", lang) in section.sentences
        assert claimed == (not said and trace.layers[0].rule.sinks is None and any(sums))
        said |= claimed
        for one in found("weights.sink", lang, section.sentences):
            kept = sums[section.matrices[0].rows.index(one["query"])]
            assert float(one["share"]) == pytest.approx(1 - kept, abs=0.0051)
        assert all(0 <= total <= 1.0001 for total in sums)


@LANGUAGES
def test_hidden_cells_are_counted(trace, told, lang):
    for head, section in enumerate(one for group in by_head(told(trace, lang, step=["masked"])) for one in group):
        cells = attended(trace).hidden[head]
        hidden = int(cells.sum())
        counted = found("masked.why", lang, section.sentences)
        again = head and hidden == int(attended(trace).hidden[0].sum())  # the same is said once
        assert counted == ([{"hidden": str(hidden), "cells": str(cells.size)}] if hidden and not again else [])
        rule = trace.layers[0].rule
        plain = not hidden and rule.bias is None and not rule.causal and rule.window is None and rule.mask is None
        assert (say("masked.nothing", lang) in section.sentences) == (plain and not head)
        assert ("−∞" in section.formula) == bool(hidden)


@LANGUAGES
def test_how_far_the_bias_lowers_what_it_hides_is_told(told, traces, lang):
    """Where causal or a window hides other cells, too."""
    (section,) = [part for part in told(traces["lowered"](), lang, step=["masked"]) if isinstance(part, Section)]
    assert found("masked.lowered", lang, section.sentences) == [{"value": "−1e+09"}]


@LANGUAGES
def test_a_cell_that_the_rule_hides_is_not_told_as_lowered(told, make, lang):
    bias = numpy.zeros((5, 5))
    bias[1, 3] = -1e9  # ahead of its query
    (section,) = [
        part for part in told(make(5, causal=True, bias=bias), lang, step=["masked"]) if isinstance(part, Section)
    ]
    assert found("masked.why", lang, section.sentences) == [{"hidden": "10", "cells": "25"}]
    assert found("masked.lowered", lang, section.sentences) == []


def test_a_row_that_is_lowered_as_a_whole_is_not_told_as_hidden(told, make):
    bias = numpy.array([[0.0], [-1e9], [0.0]])
    (section,) = [part for part in told(make(3, bias=bias), step=["masked"]) if isinstance(part, Section)]
    assert section.sentences == [lessons().say("masked.bias")]
    assert "their own row" in lessons().messages["masked.lowered"]


@LANGUAGES
def test_blind_queries_are_named(told, traces, lang):
    (section,) = [part for part in told(traces["mask"](), lang, step=["masked"]) if isinstance(part, Section)]
    assert found("masked.blind", lang, section.sentences) == [{"query": "word1"}]


def test_many_blind_queries_are_counted(told, traces):
    (section,) = [part for part in told(traces["all blind"](), step=["masked"]) if isinstance(part, Section)]
    assert [one["query"] for one in found("masked.blind", "en", section.sentences)] == ["word0", "word1", "word2"]
    assert section.sentences[-1] == "… 2 more …"


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("causal", ["masked.causal"]),
        ("window", ["masked.causal", "masked.window"]),
        ("wide window", ["masked.window"]),
        ("mask", ["masked.mask"]),
        ("bias", ["masked.bias"]),
        ("plain", []),
    ],
)
def test_each_reason_to_hide_is_told_and_no_other(told, traces, name, messages):
    (section,) = [part for part in told(traces[name](), step=["masked"]) if isinstance(part, Section)]
    reasons = [f"masked.{reason}" for reason in ("bias", "causal", "window", "mask", "alibi")]
    assert sorted(reason for reason in reasons if found(reason, "en", section.sentences)) == messages


@pytest.mark.parametrize(("words", "tokens"), [({"causal": True}, 6), ({}, 6), ({}, 1)])
def test_the_slope_of_alibi_is_what_the_bias_loses_a_step(told, words, tokens):
    trace = trace_text(" ".join(["word"] * tokens), heads=4, position="alibi", **words)
    sections = [part for part in told(trace, step=["masked"]) if isinstance(part, Section)]
    for head, section in enumerate(sections):
        (alibi,) = found("masked.alibi", "en", section.sentences)
        assert float(alibi["slope"]) == pytest.approx(2.0 ** (-2 * (head + 1)), abs=1e-4)


def test_one_query_alone_is_spoken_of_and_shown(told, traces):
    parts = told(traces["causal"](), query="journey")
    sections = {part.title: part for part in parts if isinstance(part, Section)}
    assert all(sections[title].matrices[0].rows == ["journey"] for title in ("Scores", "Weights", "Output"))
    assert found("weights.here", "en", sections["Weights"].sentences)[0]["query"] == "journey"
    assert found("scores.here", "en", sections["Scaled"].sentences) == []
    [tie] = found("scores.tie", "en", sections["Scores"].sentences)
    assert tie["pairs"] == "`journey` with `journey`, `journey` with `starts`"


@pytest.mark.parametrize(
    ("text", "count", "score", "pairs"),
    [
        (
            "Your journey starts", "4", "1.25",
            "`journey` with `journey`, `journey` with `starts`, `starts` with `journey`, `starts` with `starts`",
        ),
        ("a b", None, None, None),
        (
            "the cat saw the dog", "4", "4.58",
            "`the` @0 with `the` @0, `the` @0 with `the` @3, `the` @3 with `the` @0, `the` @3 with `the` @3",
        ),
        (
            "go go go", "9", "0.89",
            "`go` @0 with `go` @0, `go` @0 with `go` @1, `go` @0 with `go` @2, `go` @1 with `go` @0, …",
        ),
    ],
)  # fmt: skip
def test_pairs_that_share_the_largest_score_are_all_told(told, text, count, score, pairs):
    (section,) = [part for part in told(trace_text(text), step=["scores"]) if isinstance(part, Section)]
    expected = [] if count is None else [{"count": count, "score": score, "pairs": pairs}]
    assert found("scores.tie", "en", section.sentences) == expected
    assert len(found("scores.here", "en", section.sentences)) == (not expected)


@LANGUAGES
def test_a_sentence_whose_list_goes_on_ends_with_one_stop(told, lang):
    for section in told(trace_text("go go go"), lang):
        if isinstance(section, Section):
            assert not [sentence for sentence in section.sentences if sentence.endswith("….")]


def test_scores_that_differ_by_the_rounding_of_their_arithmetic_tie(told):
    query = numpy.array([[1.0], [1.0]])
    for apart, ties in ((1e-12, 2), (1e-6, 0)):
        key = numpy.array([[-3.0], [-3.0 - apart]])
        (section,) = [
            part
            for part in told(Trace(("a", "b"), (Layer(query, key, key),)), step=["scores"], query="a")
            if isinstance(part, Section)
        ]
        assert [one["count"] for one in found("scores.tie", "en", section.sentences)] == ["2"] * (ties == 2)


def test_a_token_that_is_repeated_carries_its_position_in_every_sentence(told):
    trace = trace_text("the cat saw the dog", causal=True)
    said = {part.title: part.sentences for part in told(trace, query="@3") if isinstance(part, Section)}
    assert "`the` @0 is [-0.3 -0.7 2.0]." in said["Embeddings"]
    assert "`the` @3 with `the` @0: 4.58 becomes 2.6443." in said["Scaled"]
    assert "`the` @3 looks most, and equally, at `the` @0, `the` @3 (0.44 each)." in said["Weights"]
    assert said["Output"][-1].startswith("`the` @3 becomes ")
    once = [part.sentences for part in told(trace, query="cat", step=["weights"]) if isinstance(part, Section)]
    assert once[0][1] == "`cat` looks most at `cat` (0.72)."


@pytest.mark.parametrize(
    ("words", "hidden", "cells"),
    [({"query": "starts"}, None, 3), ({"query": "Your"}, 2, 3), ({"key": "starts"}, 2, 3), ({}, 3, 9)],
)
def test_hidden_cells_are_counted_among_those_that_are_shown(told, words, hidden, cells):
    trace = trace_text("Your journey starts", causal=True)
    (section,) = [part for part in told(trace, step=["masked"], **words) if isinstance(part, Section)]
    expected = [] if hidden is None else [{"hidden": str(hidden), "cells": str(cells)}]
    assert found("masked.why", "en", section.sentences) == expected
    assert ("−∞" in section.formula) == (hidden is not None)
    assert say("masked.causal") in section.sentences


def test_only_a_blind_query_that_is_shown_is_named(told, traces):
    for query, blind in (("word1", [{"query": "word1"}]), ("word0", [])):
        (section,) = [
            part for part in told(traces["mask"](), query=query, step=["masked"]) if isinstance(part, Section)
        ]
        assert found("masked.blind", "en", section.sentences) == blind


def test_a_blind_query_asked_for_is_not_said_to_look_anywhere(told, traces):
    sections = {part.title: part for part in told(traces["mask"](), query="word1") if isinstance(part, Section)}
    assert sections["Weights"].sentences == [say("weights.what")]
    assert sections["Output"].sentences == [say("output.what")]
    assert sections["Weights"].matrices[0].cells == [["·", "·", "·", "0"]]


def test_what_special_tokens_and_the_sink_took_is_said(told):
    zeros = numpy.zeros((4, 2))
    source = {"ids": [5, 6, 7, 8], "special": [0]}
    for sinks, sentences in (
        (None, [say("weights.left_out", query="d", share="0.25")]),
        (
            numpy.zeros(1),
            [say("weights.left_out", query="d", share="0.20"), say("weights.sink", query="d", share="0.20")],
        ),
    ):
        trace = Trace(tuple("abcd"), (Layer(zeros, zeros, zeros, Rule(sinks=sinks)),), source)
        (section,) = [part for part in told(trace, step=["weights"], skip_special=True) if isinstance(part, Section)]
        assert section.sentences[2:] == sentences


def test_a_key_alone_that_is_not_looked_at_most_is_not_spoken_of(told):
    query, key = numpy.array([[1.0], [1.0]]), numpy.array([[5.0], [0.0]])
    trace = Trace(("a", "b"), (Layer(query, key, key),))
    for wanted, spoken in (("a", 1), ("b", 0)):
        (section,) = [part for part in told(trace, step=["weights"], key=wanted) if isinstance(part, Section)]
        assert len(found("weights.here", "en", section.sentences)) == spoken


@LANGUAGES
@pytest.mark.parametrize("key", ["@4", "2:4", "0:3"])
@pytest.mark.parametrize("name", ["plain", "sinks"])
def test_of_some_keys_nothing_is_told_of_the_others(told, make, lang, key, name):
    trace = trace_text("the cat sat on the mat") if name == "plain" else make(6, sinks=numpy.array([0.25]))
    (section,) = [part for part in told(trace, lang, step=["weights"], key=key) if isinstance(part, Section)]
    for message in ("weights.sum", "weights.sink"):
        assert found(message, lang, section.sentences) == []
    for place, token in enumerate(trace.tokens):
        if place not in {"@4": [4], "2:4": [2, 3], "0:3": [0, 1, 2]}[key]:
            told_of = f"`{token}` @{place}" if trace.tokens.count(token) > 1 else f"`{token}`"
            assert told_of not in section.sentences[-1].partition("at ")[2]


def test_the_one_key_that_is_shown_is_told_where_a_query_looks_at_it_most(told):
    trace = trace_text("the cat sat on", causal=True)
    weights = attended(trace).weights[0, 3]
    place = int(weights.argmax())
    (section,) = [part for part in told(trace, step=["weights"], key=f"@{place}") if isinstance(part, Section)]
    [here] = found("weights.here", "en", section.sentences)
    assert (here["query"], here["key"]) == ("on", trace.tokens[place])
