"""A page of a long text, or of a region: what it says of its cells, and what it is called."""

from __future__ import annotations

import pytest
from random_traces import long_trace, unnamed_trace

from attnviz import Trace
from attnviz.choices import Pool
from attnviz.renderers.page.limits import Limits

pytestmark = pytest.mark.slow  # CI goes through it; the quick tests of the page are those of its numbers and its safety

LONG = Limits(tokens=200, cells_of_several=20)


def test_a_page_of_a_long_text_says_what_a_cell_is(opened):
    page = opened(long_trace(301, causal=True), limits=LONG, view="matrix", query=19, key=0)
    said = "A page of every pair would be too large, so each map has 19 × 19 cells of 16 × 16 tokens. They are exact"
    assert said in page.texts("footer")[0]
    assert page.texts("h1")[0].startswith("w0 w1 w2")
    page.go(view="steps")
    assert "attnviz explain" in page.texts("main")[0]


def test_the_labels_of_a_region_are_shown_as_they_are(opened):
    hostile = Trace(("a b", "<b>", *map(str, range(48))), long_trace(50).layers)
    page = opened(hostile, selected={"query": "0:4"}, view="text")
    assert page.texts(".word")[:2] == ["a·b @0", "<b> @1"]


@pytest.mark.parametrize("words", [{}, {"query": "10:14"}])
def test_arrays_without_tokens_are_called_as_their_file_is(opened, words):
    page = opened(unnamed_trace(50, file="my dump.npz"), selected=words, view="matrix")
    assert page.texts("h1") == ["my dump.npz "]


@pytest.mark.parametrize(("words", "title"), [({}, "w0 w1"), ({"query": "10:14"}, "… w10 w11")])
def test_a_text_is_called_as_it_begins(opened, words, title):
    assert opened(long_trace(50), selected=words, view="matrix").texts("h1")[0].startswith(title)


@pytest.mark.parametrize("pool", Pool)
def test_only_a_mean_leaves_hidden_pairs_out(opened, pool):
    [said] = opened(long_trace(301, causal=True), limits=LONG, view="matrix", pool=pool).texts("footer")
    assert ("hidden pairs do not count" in said) == (pool is Pool.MEAN)
    assert ("the largest of its weights" in said) == (pool is Pool.MAX)
