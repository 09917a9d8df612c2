"""Explain of weights alone: it shows them, and says what is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

from attnviz import Layer, Rule, Trace, trace_text
from attnviz.choices import Language
from attnviz.renderers.explain.document import Heading, Section
from attnviz.renderers.explain.next_look import Next, next_look
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select
from tests.support.weights_alone import TEXT, alone, with_a_sink

LANGUAGES = pytest.mark.parametrize("lang", ["en", "vi"])


@pytest.fixture(scope="module")
def whole():
    return trace_text(TEXT, heads=2, causal=True)


@pytest.fixture(scope="module")
def weights(whole):
    return alone(whole)


def cells(sections):
    return [[(matrix.rows, matrix.columns, matrix.cells) for matrix in section.matrices] for section in sections]


def sentences(parts):
    return [sentence for part in parts if isinstance(part, Section) for sentence in part.sentences]


@LANGUAGES
def test_explain_shows_the_weights_and_says_what_is_missing(told, whole, weights, lang):
    say = lessons(Language(lang)).say
    parts = told(weights, lang)
    tables = [part for part in parts if isinstance(part, Section)]
    assert [part.title for part in tables] == [say("title.weights")] * 2
    computed = [part for part in told(whole, lang, step=["weights"]) if isinstance(part, Section)]
    assert cells(tables) == cells(computed)
    assert {part.formula for part in tables} == {""}
    assert {say("weights.alone"), say("masked.causal"), say("weights.sum")} <= set(sentences(parts))
    assert say("masked.why", hidden=15, cells=36) not in sentences(parts)
    layer = next(part for part in parts if isinstance(part, Heading) and part.level == 2)
    assert layer.facts == say("label.facts_alone", tokens=6, heads=2)


@LANGUAGES
def test_a_head_after_the_first_is_told_beside_it(told, weights, lang):
    parts = told(weights, lang, every=False)
    assert lessons(Language(lang)).say("title.otherwise", head=0) in [
        part.title for part in parts if isinstance(part, Section)
    ]


def test_other_keys_are_counted_in_the_heading(told):
    layer = Layer(weights=numpy.full((1, 2, 4), 0.25), key_tokens=tuple("abcd"))
    parts = told(Trace(("x", "y"), (layer,)))
    assert "queries: 2 · keys: 4 · heads: 1 · weights alone" in [
        part.facts for part in parts if isinstance(part, Heading)
    ]


@LANGUAGES
def test_a_pair_shows_its_weight_and_no_arithmetic(told, weights, lang):
    parts = told(weights, lang, query="@5", key="@2")
    [section, _] = [part for part in parts if isinstance(part, Section)]
    assert section.title == lessons(Language(lang)).say("title.weights")
    assert section.matrices[0].cells == [["0.2005", "1"]]  # the weight, and what its whole row adds up to


def test_the_top_keys_and_queries_have_the_column_of_weights_alone(told, whole, weights):
    for words in ({"query": "@5", "top": 3}, {"key": "@0", "top": 3}):
        ours, theirs = (
            [part for part in told(one, **words, step=["weights"]) if isinstance(part, Section)]
            for one in (weights, whole)
        )
        assert cells(ours) == cells(theirs)
        every = [part for part in told(weights, **words) if isinstance(part, Section)]
        assert cells(every) == cells(ours)


def test_what_comes_next_is_the_page(weights):
    assert next_look(weights, select(weights), top=False).what is Next.PAGE


@LANGUAGES
def test_rows_that_do_not_add_up_are_told(told, lang):
    trace, words = with_a_sink(rows=(1, 5)), lessons(Language(lang))
    share = words.say(
        "picture.row_sums", off="2", rows="12", sum="0.5", head=1, place=1, layer=words.say("picture.layer", layer=3)
    )
    parts = told(trace, lang)
    assert parts[0].facts == share
    assert words.say("weights.adds", query="step", sum="0.50").partition("0.50")[0][:20] in " ".join(sentences(parts))


def test_rows_that_add_up_are_not(told, weights):
    assert told(weights)[0].facts == ""


def test_window_and_mask_are_told_as_reasons(told):
    trace = trace_text(TEXT, causal=True, window=2)
    given = alone(trace)
    masked = replace(given.layers[0], rule=Rule(mask=given.layers[0].steps().weights[0] > 0))
    said = sentences(told(given)) + sentences(told(replace(given, layers=(masked,))))
    assert {lessons().say("masked.window", window=2), lessons().say("masked.mask")} <= set(said)
