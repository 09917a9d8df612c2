"""Many texts that a model is given."""

from __future__ import annotations

import pytest

from attnviz import trace_text
from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.given import Given, as_it_is, made


def test_a_text_has_nothing_beside_it_unless_that_is_said():
    assert Given("a b") == ("a b", None, None, None)


def test_nothing_is_made_of_a_trace():
    trace = trace_text("a b")
    assert as_it_is(trace) is trace


def test_what_is_made_of_a_trace_or_why_nothing_is():
    trace = trace_text("a b")

    def fails(error):
        def then(_):
            raise error

        return then

    assert made(len, trace.tokens) == 2
    assert made(as_it_is, trace) is trace
    reason = AttnvizError("no")
    assert made(fails(reason), trace) is reason
    for kind in (ChoiceError, UsageError):  # no other text would do better
        with pytest.raises(kind):
            made(fails(kind("no")), trace)
