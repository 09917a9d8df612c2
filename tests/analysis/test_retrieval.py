"""Retrieval heads: hits counted by hand, what counts as copied, and what chance could do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from copying import measured, writes

from attnviz import AttnvizError, Trace
from attnviz.analysis.head_names import Copying, HeadName
from attnviz.analysis.retrieval import RetrievalStatistics, copied, hidden_needles, require_copies
from attnviz.text.needles import needles
from attnviz.trace.selection import select
from attnviz.trace.token_facts import TokenFacts


def test_only_the_head_that_looks_at_what_is_copied_retrieves():
    found = measured()
    scores = [head.values[Copying.RETRIEVAL].mean for head in found.heads()]
    assert scores == [1.0, 0.0, 0.0]
    assert [[one.name for one in head.names] for head in found.heads()] == [[HeadName.RETRIEVAL], [], []]
    assert (found.copied, len(found.asked)) == (4, 4)
    assert found.tokens == sum(len(one.answer.split()) for one in needles()[:4])
    assert found.heads(Copying.RETRIEVAL)[0].head == 0
    assert found.model == "copier"


def test_a_needle_counts_where_half_of_it_was_copied():
    (needle,) = hidden_needles(1, [40])
    assert copied(writes(needle.text, 12), needle).whole
    half, none = (copied(writes(needle.text, 12, lost=lost), needle) for lost in (1, 2))
    assert (len(half.ids), half.whole, len(none.ids), none.whole) == (1, True, 0, False)


def test_hits_are_of_the_copied_tokens_alone():
    found = measured(lost=1)  # of six tokens five are copied, of two one
    assert found.tokens == sum(len(one.answer.split()) - 1 for one in needles()[:4])
    assert found.heads()[0].values[Copying.RETRIEVAL].mean == 1.0
    assert found.heads()[0].values[Copying.RETRIEVAL].count == 4


def test_where_nothing_is_copied_no_head_is_told():
    found = measured(lost=9)
    assert (found.copied, found.limit) == (0, None)
    assert all(head.names == () for head in found.heads(Copying.RETRIEVAL))
    with pytest.raises(AttnvizError, match="copier has copied none of the 4 needles"):
        require_copies(found)
    require_copies(measured(1))


def test_too_few_tokens_cannot_tell_a_head_from_chance():
    (needle,) = hidden_needles(1, [10])
    trace = writes(needle.text, 12, lost=1)
    found = RetrievalStatistics()
    found.add(trace, needle, select(trace))
    (expected,) = [1 / (place + 1) for place in [len(trace.tokens) - 12]]  # one token, once in the needle
    assert found._chance == pytest.approx(expected)
    assert found.limit is None  # one of some thirty keys: luck does it oftener than once in a thousand


def test_the_limit_is_the_papers_where_much_was_copied():
    assert measured(12, 400).limit == pytest.approx(0.1, abs=0.03)
    assert measured(12, 400, threshold=0.5).limit == pytest.approx(0.5, abs=0.01)


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


def test_what_was_written_is_kept_as_text_or_as_tokens():
    (needle,) = hidden_needles(1, [40])
    trace = writes(needle.text, 3)
    assert trace.generation is not None
    written = []
    for one in (
        trace,
        replace(trace, generation=replace(trace.generation, text=None)),
        replace(trace, generation=None),
    ):
        found = RetrievalStatistics()
        found.add(one, needle, select(one))
        written.append(found.asked[0].written)
    assert written == ["marble lantern nothing", "marble lantern nothing", ""]


def test_it_prints_and_hands_its_numbers_on():
    found = measured()
    assert "retrieval: layer 0 · 0 1.00 (≥ " in str(found)
    assert found.to_csv().splitlines()[1].startswith("0,layer 0,0,retrieval,1.0,0.0,4,retrieval,")
    assert '"name":"retrieval"' in found.to_json()
    assert found.__rich__() is not None
