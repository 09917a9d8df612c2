"""What everything that is written about a layer shares: names, numbers, and whether Q, K and V are the inputs."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Trace, trace_text
from attnviz.choices import Step
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared.matrix import Looks
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select
from tests.support.explained import parsed, same, say


def writer_of(trace, **looks):
    return Writer(trace, select(trace).layers[0], tuple(Step), Looks(lessons(), **looks))


def test_repeated_tokens_carry_their_positions_in_sentences_and_not_in_tables():
    writer = writer_of(trace_text("the cat saw the dog"))
    assert [query.quoted for query in writer.queries] == ["`the` @0", "`cat`", "`saw`", "`the` @3", "`dog`"]
    assert writer.matrices.query_names == ["the", "cat", "saw", "the", "dog"]


def test_a_sentence_is_new_once_for_all_that_is_written():
    trace, told = trace_text("a b"), {"above"}
    one, other = (Writer(trace, select(trace).layers[0], tuple(Step), Looks(lessons()), told) for _ in range(2))
    assert one.new("above", "first", "second") == ["first", "second"]
    assert other.new("second", "third") == ["third"]
    assert told == {"above", "first", "second", "third"}


def test_it_knows_whether_the_whole_way_is_walked():
    trace = trace_text("a b")
    assert writer_of(trace).walks
    assert not Writer(trace, select(trace).layers[0], (Step.WEIGHTS,), Looks(lessons())).walks


def test_queries_and_keys_are_named_apart(traces):
    writer = writer_of(traces["cross"]())
    assert [query.text for query in writer.queries] == ["word0", "word1", "word2"]
    assert [key.text for key in writer.keys] == [f"key{place}" for place in range(5)]


@pytest.mark.parametrize(
    ("words", "bare", "inputs"),
    [
        ({}, True, Step.EMBEDDINGS),
        ({"position": "sinusoidal"}, True, Step.INPUTS),
        ({"project": True}, False, Step.EMBEDDINGS),
        ({"heads": 2}, False, Step.EMBEDDINGS),
        ({"position": "rope"}, False, Step.EMBEDDINGS),
    ],
)
def test_it_knows_whether_the_vectors_are_the_inputs_and_which_step_shows_these(words, bare, inputs):
    writer = writer_of(trace_text("a b", **words))
    assert (writer.bare, writer.inputs) == (bare, inputs)
    assert not writer_of(Trace(("a",), (Layer([[1.0]], [[1.0]], [[1.0]]),))).bare


def test_numbers_and_vectors_have_the_precision_that_is_asked_for():
    writer = writer_of(trace_text("a"), precision=2)
    assert writer.number(1 / 3) == "0.33"
    assert writer.vector(numpy.arange(6) / 3) == "[0.00 0.33 0.67 1.00 …]"


def test_a_section_is_titled_by_its_step_and_quiet_has_no_sentences():
    for quiet, sentences in ((False, ["Said."]), (True, [])):
        section = writer_of(trace_text("a"), quiet=quiet).section(Step.SCORES, "scores = Q Kᵀ", ["Said."])
        assert section == (say("title.scores"), "scores = Q Kᵀ", sentences, [], ())


def test_a_step_of_which_nothing_is_said_shows_its_numbers():
    trace = trace_text("a b c")
    section = writer_of(trace).plain_section(Step.EMBEDDINGS, trace.layers[0])
    assert (section.title, section.formula, section.sentences) == (say("title.embeddings"), "", [])
    assert same(parsed(section.matrices[0]), trace.layers[0].embeddings, precision=4)
