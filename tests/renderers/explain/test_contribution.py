"""The section of contributions: its numbers against the paper's, its cell by hand, and what is said."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy
import pytest

from attnviz import trace_text
from attnviz.renderers.explain.document import Section
from attnviz.trace.along import along
from attnviz.trace.direction import Direction
from attnviz.trace.steps import Head
from tests.support.contributions import norms, summed_norms
from tests.support.explained import EVERYTHING, LANGUAGES, found, parsed, same, say

TEXT = "Your journey starts"
CALCULATION = re.compile(r"([\d.e-]+) × ‖\[(.*)\]‖ = ([\d.e-]+) × ([\d.e-]+) = ([\d.e-]+)")


def section_of(told, trace, lang="en", **words):
    [section] = [
        one for one in told(trace, lang, head=["0"], step=["contribution"], **words) if isinstance(one, Section)
    ]
    return section


def pair_of(told, trace, **words):
    [section] = [one for one in told(trace, query="2", key="0", **words) if isinstance(one, Section)]
    return section


@pytest.mark.parametrize("options", [{}, {"causal": True}, {"window": 2, "causal": True}])
def test_the_tables_are_the_lengths_and_the_contributions(told, options):
    trace = trace_text(TEXT, heads=2, **options)
    section, steps = section_of(told, trace, **EVERYTHING), trace.layers[0].steps(0)
    lengths, cells = section.matrices
    expected = norms(trace.layers[0])[0]
    assert same(parsed(cells), numpy.where(steps.hidden, -numpy.inf, expected))
    seen = steps.weights[2] > 0
    assert same(parsed(lengths)[seen, 0], expected[2][seen] / steps.weights[2][seen])
    assert lengths.columns == ["‖V W_O‖"]
    assert section.formula == "contribution = weights × ‖V W_O‖"


@LANGUAGES
@pytest.mark.parametrize("heads", [1, 2])
def test_one_cell_is_written_by_hand_and_its_arithmetic_is_right(told, lang, heads):
    trace = trace_text(TEXT, heads=heads, project=True)
    section = section_of(told, trace, lang, precision=6)
    [here] = found("contribution.here", lang, section.sentences)
    weight, vector, again, length, contribution = CALCULATION.fullmatch(here["sum"]).groups()
    assert weight == again
    numbers = numpy.array([float(number) for number in vector.split()])
    assert numpy.linalg.norm(numbers) == pytest.approx(float(length), rel=1e-4)
    assert float(weight) * float(length) == pytest.approx(float(contribution), rel=1e-4)
    assert float(contribution) == pytest.approx(norms(trace.layers[0])[0][2].max(), rel=1e-4)


@LANGUAGES
def test_where_another_key_is_looked_at_most_it_is_said(told, lang):
    trace = trace_text(TEXT, heads=2, causal=True)
    row, weights = norms(trace.layers[0])[0][2], trace.layers[0].steps(0).weights[2]
    assert row.argmax() != weights.argmax()
    [other] = found("contribution.other", lang, section_of(told, trace, lang).sentences)
    assert other["key"] == trace.tokens[weights.argmax()]
    assert float(other["contribution"]) == pytest.approx(row[weights.argmax()], abs=1e-4)
    assert not found("contribution.other", lang, section_of(told, trace, lang, query="0").sentences)


@LANGUAGES
def test_without_projections_it_says_that_there_is_no_w_o(told, lang):
    section = section_of(told, trace_text(TEXT), lang)
    assert say("contribution.unprojected", lang) in section.sentences
    assert section.formula == "contribution = weights × ‖V‖"


def test_a_pair_has_its_contribution_as_on_paper_where_that_is_asked_for(told):
    trace = trace_text(TEXT, heads=2)
    assert say("contribution.pair") not in pair_of(told, trace, head=["0"]).lines
    *_, title, line = pair_of(told, trace, head=["0"], step=["contribution"], precision=6).lines
    assert title == say("contribution.pair")
    contribution = CALCULATION.fullmatch(line.strip()).groups()[-1]
    assert float(contribution) == pytest.approx(norms(trace.layers[0])[0][2, 0], rel=1e-4)
    assert say("contribution.pair_unprojected") in pair_of(told, trace_text(TEXT), step=["contribution"]).lines


def test_a_query_that_sees_nothing_is_told_of_no_key(told):
    from attnviz import Rule, Trace

    trace = trace_text(TEXT, heads=2)
    blind = replace(trace.layers[0], rule=Rule(mask=numpy.zeros((3, 3), dtype=bool)))
    section = section_of(told, Trace(trace.tokens, (blind,), trace.source))
    assert section.sentences == [say("contribution.what")]


@pytest.mark.parametrize("words", [{"query": "@2"}, {"key": "@0"}])
def test_a_long_text_has_a_column_of_contributions(told, words):
    trace = trace_text(TEXT, heads=2)
    table = told(trace, head=["1"], top=2, step=["weights", "contribution"], precision=6, **words)[-1].matrices[0]
    assert table.columns == [say("column.weights"), say("column.contribution")]
    places = [int(row.partition(" @")[2]) for row in table.rows if "@" in row]
    expected = norms(trace.layers[0])[1]
    expected = expected[2, places] if "query" in words else expected[places, 0]
    numpy.testing.assert_allclose([float(row[1]) for row in table.cells[: len(places)]], expected, rtol=1e-4)


@LANGUAGES
@pytest.mark.parametrize("token", ["x", "@output"])
def test_along_a_direction_it_says_along_which_and_shows_no_lengths(told, lang, token):
    trace = trace_text(TEXT, heads=2, causal=True)
    layer = replace(trace.layers[0], toward=Direction("x", numpy.arange(8.0)))
    trace = along(replace(trace, layers=(layer,)), token)
    section = section_of(told, trace, lang, precision=6)
    assert section.formula == "contribution = weights × V W_O · u"
    said = say("contribution.output", lang) if token == "@output" else say("contribution.toward", lang, token="x")
    assert section.sentences[0] == said
    [cells] = section.matrices
    contribution = Head(trace.layers[0], 0).contribution
    assert same(parsed(cells), numpy.where(trace.layers[0].steps(0).hidden, -numpy.inf, contribution), 6)
    [here] = found("contribution.here", lang, section.sentences)
    weight, factor, product = re.fullmatch(r"([\d.e-]+) × ([\d.e-]+) = ([\d.e-]+)", here["sum"]).groups()
    assert float(weight) * float(factor) == pytest.approx(float(product), rel=1e-4)
    assert (
        say("contribution.pair_along", lang) in pair_of(told, trace, lang=lang, head=["0"], step=["contribution"]).lines
    )


def summed_of(told, trace, lang="en", **words):
    [section] = [one for one in told(trace, lang, step=["summed"], **words) if isinstance(one, Section)]
    return section


@LANGUAGES
@pytest.mark.parametrize("options", [{}, {"causal": True}])
def test_all_heads_together_are_the_vectors_added_up(told, lang, options):
    trace = trace_text(TEXT, heads=2, **options)
    section, hidden = summed_of(told, trace, lang, **EVERYTHING), trace.layers[0].steps(0).hidden
    expected = summed_norms(trace.layers[0])
    assert same(parsed(section.matrices[0]), numpy.where(hidden, -numpy.inf, expected))
    assert section.formula == "summed = ‖Σ(weights × V W_O)‖"
    assert section.sentences[0] == say("contribution.summed", lang)
    [here] = found("contribution.summed_here", lang, section.sentences)
    assert (here["query"], here["key"]) == (trace.tokens[2], trace.tokens[expected[2].argmax()])
    assert float(here["contribution"]) == pytest.approx(expected[2].max(), rel=1e-3)


def test_of_one_head_without_projections_the_sum_is_of_its_values(told):
    assert summed_of(told, trace_text(TEXT)).formula == "summed = ‖Σ(weights × V)‖"


def test_all_heads_together_along_a_direction_add_up_with_their_signs(told):
    trace = trace_text(TEXT, heads=2, causal=True)
    trace = along(replace(trace, layers=(replace(trace.layers[0], toward=Direction("x", numpy.arange(8.0))),)), "x")
    section = summed_of(told, trace, precision=6)
    heads = sum(Head(trace.layers[0], head).contribution for head in range(2))
    assert same(parsed(section.matrices[0]), numpy.where(trace.layers[0].steps(0).hidden, -numpy.inf, heads))
    assert section.formula == "summed = Σ(weights × V W_O · u)"
    assert section.sentences[:2] == [say("contribution.summed_along"), say("contribution.toward", token="x")]


def test_where_no_query_sees_a_key_nothing_is_told_of_one(told):
    from attnviz import Rule, Trace

    trace = trace_text(TEXT, heads=2)
    blind = replace(trace.layers[0], rule=Rule(mask=numpy.zeros((3, 3), dtype=bool)))
    section = summed_of(told, Trace(trace.tokens, (blind,), trace.source))
    assert section.sentences == [say("contribution.summed")]
    assert all("∅" in row or row != token for row, token in zip(section.matrices[0].rows, trace.tokens, strict=True))
