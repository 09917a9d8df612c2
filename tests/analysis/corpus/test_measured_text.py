"""What was measured of one text, before it is counted."""

from __future__ import annotations

import pytest

from attnviz import trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.corpus.measured_text import region_of
from attnviz.trace.selection import select


@pytest.mark.parametrize(
    ("options", "region"),
    [
        ({}, (None, None)),
        ({"query": range(1, 3)}, (range(1, 3), None)),
        ({"key": range(2)}, (None, range(2))),
        ({"query": range(4), "key": range(4)}, (None, None)),
    ],
)
def test_a_region_is_that_part_of_the_queries_and_keys_which_is_not_all(options, region):
    [layer] = select(trace_text("a b c d", heads=2), **options).as_region().layers
    assert region_of(layer) == region


def test_texts_are_measured_in_any_order_and_counted_in_turn():
    texts = [trace_text(text, heads=2, causal=True) for text in ("a b a b", "the cat", "one")]
    usual, other = Statistics(), Statistics()
    for trace in texts:
        usual.add(trace, select(trace))
    measured = [other.measured(trace, select(trace)) for trace in reversed(texts)]
    assert other.texts == 0
    for text in reversed(measured):
        other.take(text)
    assert (other.texts, other.tokens) == (usual.texts, usual.tokens) == (3, 7)
    assert str(other.heads()) == str(usual.heads())
    assert [text.tokens for text in measured] == [1, 2, 4]
    assert measured[0].regions == frozenset()
