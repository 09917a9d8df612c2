"""What is said of a head after the first: its weights and its output, and what it does otherwise, true of the numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy
import pytest

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.metrics import Metric
from attnviz.renderers.explain.document import Abreast, Heading, Section
from attnviz.renderers.shared.numbers import share
from attnviz.trace.selection import select
from tests.support.explained import LANGUAGES, attended, by_head, found, parsed, same, say


def brief(told, trace, lang="en", **words):
    """The sections of each head, of which the first alone is walked in full."""
    groups = by_head(told(trace, lang, every=False, **words))[1:]
    return groups[: trace.layers[0].heads]


def otherwise(told, trace, lang="en", **words):
    """The sentences about each head after the first."""
    title = say("title.otherwise", lang, head=0)
    said = [{one.title: one.sentences for one in group} for group in brief(told, trace, lang, **words)[1:]]
    return [one.get(title, []) for one in said]


SEVERAL = ["four heads", "rope", "alibi", "sinks", "grouped heads", "cross"]


@LANGUAGES
@pytest.mark.parametrize("name", SEVERAL)
def test_the_weights_and_the_output_of_the_other_heads_are_those_of_attend(told, traces, name, lang):
    trace = traces[name]()
    steps = attended(trace)
    first, *others = brief(told, trace, lang, max_tokens=100, precision=5)
    assert {say(f"title.{step}", lang) for step in ("query", "scores", "weights", "output")} <= {
        one.title for one in first
    }
    for head, group in enumerate(others, start=1):
        tables = {one.title: one for one in group if one.matrices}
        assert list(tables) == [say("title.weights", lang), say("title.output", lang)]
        weights, output = tables.values()
        assert same(parsed(weights.matrices[0], skip_last=True), steps.weights[head])
        assert same(parsed(output.matrices[0]), steps.output[head])
        assert weights.sentences == output.sentences == []


def test_the_two_tables_stand_side_by_side(told, traces):
    parts = told(traces["four heads"](), every=False, side_by_side=True)
    after = [two for one, two in pairwise(parts) if isinstance(one, Section) and one.title.startswith("What differs")]
    assert len(after) == 3
    assert all(isinstance(one, Abreast) and len(one.sections) == 2 for one in after)


@LANGUAGES
@pytest.mark.parametrize("name", SEVERAL)
def test_the_queries_that_look_most_elsewhere_are_counted_and_named_with_their_weights(told, traces, name, lang):
    trace = traces[name]()
    weights = attended(trace).weights
    queries, keys = trace.query_tokens(trace.layers[0]), trace.key_tokens(trace.layers[0])
    for head, sentences in enumerate(otherwise(told, trace, lang), start=1):
        first, own = weights[0].argmax(axis=-1), weights[head].argmax(axis=-1)
        moved = [query for query in range(len(queries)) if first[query] != own[query]]
        pairs = [
            say(
                "other.pair", lang, query=queries[query], key=keys[own[query]], weight=share(weights[head][query].max())
            )
            for query in moved
        ]
        listed = ", ".join([*pairs[:4], *["…"][: len(pairs) > 4]])
        values = {"queries": len(queries), "head": 0}
        if not moved:
            expected = say("other.same", lang, head=0)
        elif len(moved) == 1:
            expected = say("other.looks_one", lang, pairs=listed, **values)
        else:
            expected = say("other.looks", lang, count=len(moved), pairs=listed, **values)
        assert expected in sentences


@pytest.mark.parametrize("name", ["four heads", "alibi", "grouped heads"])
def test_how_widely_a_head_looks_is_the_metric_of_its_effective_keys(told, traces, name):
    trace = traces[name]()
    statistics = Statistics()
    statistics.add(trace, select(trace))
    of_heads = [one.values[Metric.EFFECTIVE_KEYS].mean for one in statistics.heads()]
    for head, sentences in enumerate(otherwise(told, trace), start=1):
        wider, narrower = (found(f"other.{message}", "en", sentences) for message in ("wider", "narrower"))
        told_so = {"own": f"{of_heads[head]:.1f}", "first": f"{of_heads[0]:.1f}", "head": "0"}
        same_width = told_so["own"] == told_so["first"]
        assert wider == ([told_so] if of_heads[head] > of_heads[0] and not same_width else [])
        assert narrower == ([told_so] if of_heads[head] < of_heads[0] and not same_width else [])


def made(*rows, rule=None, tokens=("a", "b")):
    """One head for each of ``rows``, (queries, keys) scores."""
    keys = numpy.eye(len(tokens))[None]
    return Trace(
        tokens,
        (
            Layer(
                numpy.array(rows, float),
                keys.repeat(len(rows), axis=0),
                keys.repeat(len(rows), axis=0),
                rule or Rule(scale=1.0),
            ),
        ),
    )


def test_heads_that_do_the_same_are_said_to():
    trace = made([[1, 0], [0, 1]], [[1, 0], [0, 1]])
    text = str(trace.explain())
    assert say("other.same", head=0) in text
    assert "widely" not in text
    assert "narrowly" not in text


def test_a_tie_that_holds_the_key_of_the_first_head_is_no_other_key(told):
    trace = made([[1, 0], [0, 1]], [[1, 1], [0, 1]])
    [sentences] = otherwise(told, trace)
    assert say("other.same", head=0) in sentences
    [sentences] = otherwise(told, made([[1, 0], [0, 1]], [[0, 1], [0, 1]]))
    assert found("other.looks_one", "en", sentences)[0]["pairs"] == "`a` at `b`: 0.73"


def test_of_one_query_it_is_said_so(told):
    trace = made([[1, 0], [0, 1]], [[0, 1], [0, 1]])
    [sentences] = otherwise(told, trace, query="a")
    assert sentences[0] == say("other.looks_alone", head=0, pairs=say("other.pair", query="a", key="b", weight="0.73"))
    [sentences] = otherwise(told, trace, query="b")
    assert sentences == [say("other.same_one", head=0)]


def test_what_a_rule_hides_in_one_head_alone_is_told(told):
    mask = numpy.ones((2, 2, 2), bool)
    mask[1, 0] = False
    trace = made([[1, 0], [0, 1]], [[1, 0], [0, 1]], rule=Rule(mask=mask))
    [sentences] = otherwise(told, trace)
    assert say("masked.blind", query="a") in sentences
    assert say("masked.why", hidden=2, cells=4) in sentences
    assert say("other.same_one", head=0) in sentences  # of the one query that sees keys in both


def test_the_slope_of_each_head_is_told(told):
    for head, sentences in enumerate(otherwise(told, trace_text("a b c", heads=2, position="alibi")), start=1):
        assert float(found("masked.alibi", "en", sentences)[0]["slope"]) == pytest.approx(
            2.0 ** (-4 * (head + 1)), abs=1e-4
        )


def test_of_some_keys_alone_nothing_is_said_that_holds_for_all(told, traces):
    assert otherwise(told, traces["four heads"](), key="1:3") == [[], [], []]
    everywhere_blind = made([[1, 0], [0, 1]], [[1, 0], [0, 1]], rule=Rule(mask=numpy.zeros((2, 2, 2), bool)))
    assert otherwise(told, everywhere_blind) == [[]]


def test_quiet_says_none_of_it(told, traces):
    parts = told(traces["four heads"](), every=False, quiet=True)
    assert not any(part.title.startswith("What differs") for part in parts if isinstance(part, Section))
    assert [part.text for part in parts if isinstance(part, Heading) and part.level == 3] == [
        "Head 0", "Head 1", "Head 2", "Head 3", "Heads together",
    ]  # fmt: skip


def test_the_first_head_is_the_first_that_is_shown(told, traces):
    groups = by_head(told(traces["four heads"](), every=False, head=["2,3"]))[1:]
    assert "Scores" in {one.title for one in groups[0]}
    assert groups[1][0].title == say("title.otherwise", head=2)
