"""Where a reader goes next: a pair that shows the most, named as the command line finds it."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Trace, trace_text
from attnviz.renderers.explain.next_look import Next, next_look
from attnviz.trace.selection import select
from tests.support.explained import attended


def look(trace, top=False, **words):
    return next_look(trace, select(trace, **words), top)


def test_after_the_steps_it_is_the_pair_with_the_largest_weight_of_the_last_query(trace):
    layer = trace.layers[0]
    found = look(trace)
    options = dict(zip(found.options[::2], found.options[1::2], strict=True))
    again = select(trace, head=[options.get("--head", "0")], query=options["--query"], key=options["--key"])
    query, key = again.layers[0].pair
    weights = attended(trace).weights[0][query]
    assert (found.what, found.command) == (Next.PAIR, "explain")
    assert query == layer.query.shape[1] - 1
    assert weights[key] == weights.max()
    assert ("--head" in options) == (layer.heads > 1)


@pytest.mark.parametrize(
    ("tokens", "query", "key"),
    [("a b", "b", "b"), ("a a", "@1", "@0"), ("a 7", "@1", "@1"), ("a @", "@1", "@1")],
)
def test_a_word_that_stands_alone_is_its_name_and_any_other_its_position(tokens, query, key):
    array = numpy.eye(2)
    trace = Trace(tuple(tokens.split()), (Layer(array, array if key in ("b", "@1") else array[::-1], array),))
    assert look(trace).options == ["--query", query, "--key", key]


def test_of_the_keys_that_are_shown_it_is_one():
    trace = trace_text("one step and another", heads=2)
    assert look(trace, head=["1"], query="0:2", key="2:3").options == ["--head", "1", "--query", "step", "--key", "and"]


def test_after_a_pair_it_is_the_page_and_after_top_keys_the_map():
    trace = trace_text("one step", heads=2)
    assert look(trace, query="one", key="step") == (Next.PAGE, "html", [])
    assert look(trace, top=True, head=["1"]) == (Next.MAP, "heatmap", ["--head", "1"])
    array = numpy.zeros((1100, 1))
    assert look(Trace(tuple(map(str, range(1100))), (Layer(array, array, array),))) == (Next.MAP, "heatmap", [])
