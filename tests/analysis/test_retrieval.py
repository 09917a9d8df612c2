"""Retrieval heads: hits counted by hand, what counts as copied, and what chance could do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from copying import measured, writes

from attnviz import AttnvizError
from attnviz.analysis.copied import hidden_needles
from attnviz.analysis.corpus.state_file import packed, unpacked
from attnviz.analysis.head_names import Copying, HeadName
from attnviz.analysis.retrieval import RetrievalStatistics, require_copies
from attnviz.text.needles import needles
from attnviz.trace.selection import select


def test_only_the_head_that_looks_at_what_is_copied_retrieves():
    found = measured()
    scores = [head.values[Copying.RETRIEVAL].mean for head in found.heads()]
    assert scores == [1.0, 0.0, 0.0]
    assert [[one.name for one in head.names] for head in found.heads()] == [[HeadName.RETRIEVAL], [], []]
    assert (found.copied, len(found.asked)) == (4, 4)
    assert found.tokens == sum(len(one.answer.split()) for one in needles()[:4])
    assert found.heads(Copying.RETRIEVAL)[0].head == 0
    assert found.model == "copier"


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


def test_parts_are_merged_to_what_one_run_finds_and_written_as_files():
    whole, hidden = measured(4), list(hidden_needles(4, [40]))
    parts = []
    for needle in hidden:
        trace, one = writes(needle.text, 12), RetrievalStatistics()
        one.add(trace, needle, select(trace))
        parts.append(RetrievalStatistics.from_bytes(one.to_bytes(), "a", hidden))
    both = RetrievalStatistics()
    for one in parts:
        both = both.merged(one)
    assert both.asked == whole.asked
    assert (both.tokens, both.read, both.texts, both.skipped) == (whole.tokens, whole.read, 4, 0)
    assert (both.model, both.source, both.error) == (whole.model, whole.source, whole.error)
    assert both.limit == pytest.approx(whole.limit, abs=1e-12)
    for mine, theirs in zip(both.heads(), whole.heads(), strict=True):
        one, other = (vars(head.values[Copying.RETRIEVAL]) for head in (mine, theirs))
        assert one == pytest.approx(other, abs=1e-12)


def test_a_file_of_needles_is_read_with_care():
    hidden = list(hidden_needles(1, [40]))
    content = measured(1).to_bytes()
    with pytest.raises(AttnvizError, match=r"^a: its needles are missing or damaged"):
        RetrievalStatistics.from_bytes(content, "a", [])
    with pytest.raises(AttnvizError, match=r"^a is no \.stats file"):
        RetrievalStatistics.from_bytes(content[:99], "a", hidden)
    other = packed(unpacked(content, "a")._replace(kind="weights"))
    with pytest.raises(AttnvizError, match="it holds statistics of weights"):
        RetrievalStatistics.from_bytes(other, "a", hidden)


def test_needles_of_other_heads_are_not_merged():
    (needle,) = hidden_needles(1, [40])
    trace = writes(needle.text, 12)
    one, other = RetrievalStatistics(), RetrievalStatistics()
    one.add(trace, needle, select(trace, head=["0"]))
    other.add(trace, needle, select(trace, head=["1"]))
    with pytest.raises(AttnvizError, match="head"):
        one.merged(other)
