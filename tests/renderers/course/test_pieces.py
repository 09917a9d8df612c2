"""Parts of computed blocks."""

import numpy
import pytest

from attnviz import trace_text
from attnviz.api.learn import ComputedMaterial
from attnviz.choices import Step
from attnviz.renderers.course.pieces import aligned, explained, focus, focused, largest, shown_words, step_array, table
from attnviz.renderers.shared.labels import named
from attnviz.text.lessons import lessons


def test_a_table_has_no_tints():
    made = table("c", ["a"], ["b", "d"], [("1", "2")])
    assert (made.rows, made.columns, made.cells, made.tints) == (["a"], ["b", "d"], [["1", "2"]], [[None, None]])


def test_what_explain_says_of_one_step():
    material = ComputedMaterial("a b", lessons())
    section = explained(material, material.toy(heads=2), Step.WEIGHTS, 0, head=1)
    assert section.title == "Weights"
    assert section.matrices[0].rows == ["a"]


@pytest.mark.parametrize(("text", "place"), [("a", 0), ("a b", 1), ("a b c", 2), ("a b c d", 2)])
def test_the_word_that_is_followed_is_the_third_or_the_last(text, place):
    trace = trace_text(text)
    assert focus(trace) == place
    assert focused(trace).text == text.split()[place]


def test_the_largest_are_named_all_at_once():
    names = named(["a", "b", "a"])
    assert largest(numpy.array([1.0, 2.0, 2.0 + 1e-15]), names) == "`b`, `a` @2"
    assert largest(numpy.array([-1.0, -2.0, -3.0]), names) == "`a` @0"


def test_a_table_of_words_shows_the_first_few():
    assert shown_words(trace_text("a b")) == [0, 1]
    assert len(shown_words(trace_text("a " * 20))) == 8


def test_numbers_of_vectors_stand_below_each_other():
    assert aligned(numpy.array([[1.5, -2.0], [10.25, 3.0]])) == ["[ 1.50 -2.00]", "[10.25  3.00]"]


def test_a_step_is_an_array():
    assert step_array(trace_text("a b", heads=2), "weights", 1).shape == (2, 2)
