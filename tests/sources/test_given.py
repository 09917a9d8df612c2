"""Many texts that a model is given."""

from __future__ import annotations

from attnviz import trace_text
from attnviz.sources.given import Given, as_it_is


def test_a_text_has_nothing_beside_it_unless_that_is_said():
    assert Given("a b") == ("a b", None, None, None)


def test_nothing_is_made_of_a_trace():
    trace = trace_text("a b")
    assert as_it_is(trace) is trace
