"""A needle in its text, and what counts as copied of it."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from copying import writes

from attnviz import AttnvizError, Trace
from attnviz.analysis.copied import chance, copied, hidden_needles, hits
from attnviz.trace.token_facts import TokenFacts


def test_a_needle_counts_where_half_of_it_was_copied():
    (needle,) = hidden_needles(1, [40])
    assert copied(writes(needle.text, 12), needle).whole
    half, none = (copied(writes(needle.text, 12, lost=lost), needle) for lost in (1, 2))
    assert (len(half.ids), half.whole, len(none.ids), none.whole) == (1, True, 0, False)


def test_depths_go_from_the_beginning_to_the_end_at_each_length():
    made = list(hidden_needles(3, [30, 60]))
    assert [one.depth for one in made] == [0.0, 0.5, 1.0] * 2
    assert [one.words >= 60 for one in made] == [False] * 3 + [True] * 3
    assert next(hidden_needles(1, [10], "A b c d e f. G h i j k.")).text.startswith("The password")


def test_more_needles_than_there_are_is_told():
    with pytest.raises(AttnvizError, match="there are 12 needles, and 13 are asked for"):
        next(hidden_needles(13, [30]))


def test_tokens_that_stand_nowhere_are_told():
    (needle,) = hidden_needles(1, [40])
    trace = writes(needle.text, 12)
    nowhere = replace(trace, facts=TokenFacts(spans=(None,) * len(trace.tokens)))
    with pytest.raises(AttnvizError, match="does not say where a token stands"):
        copied(nowhere, needle)
    unwritten = Trace(trace.tokens, trace.layers, trace.source, facts=trace.facts)
    assert copied(unwritten, needle).ids == ()


def test_the_head_that_looks_at_the_copied_token_hits_and_chance_is_one_of_the_keys_it_sees():
    (needle,) = hidden_needles(1, [10])
    trace = writes(needle.text, 12, lost=1)
    found = copied(trace, needle)
    assert numpy.array_equal(hits(trace, found, trace.layers[0]), [[True], [False], [False]])
    assert chance(trace, found) == pytest.approx(1 / (len(trace.tokens) - 11))
