"""Each attention that runs has its line, whatever becomes of it."""

from __future__ import annotations

import torch
from written_attention import recorded, tensors

from attnviz import AttnvizError
from attnviz.sources.recording.fused import SDPA
from attnviz.sources.recording.running import Running
from attnviz.sources.recording.scores import UnnamedError, one_line, reason_of
from attnviz.sources.recording.taking import Taking
from attnviz.trace.recorded import How, Kept

QUERY, KEY, VALUE = tensors()
OUTPUT = torch.nn.functional.scaled_dot_product_attention(QUERY, KEY, VALUE)
NONE = frozenset()


def taking(wanted=lambda *_: True):
    return Taking(Running(None), wanted)


def test_what_agrees_is_kept_whole():
    taken = taking()
    taken.fused(SDPA, (QUERY, KEY, VALUE), {}, OUTPUT, (frozenset([1]), frozenset([2])))
    (entry,) = taken.entries
    assert (entry.facts.kept, entry.facts.how, entry.kind, entry.is_kept) == (Kept.WHOLE, How.SDPA, "cross", True)
    assert entry.whole.output is None
    assert (entry.dtype, entry.device) == ("float32", "cpu")


def test_what_does_not_agree_what_is_not_wanted_and_what_fails_is_told():
    taken = taking(lambda number, _: number != 1)
    taken.fused(SDPA, (QUERY, KEY, VALUE), {}, OUTPUT + 1, (NONE, NONE))
    taken.fused(SDPA, (QUERY, KEY, VALUE), {}, OUTPUT, (NONE, NONE))
    taken.fused(SDPA, (QUERY, KEY, VALUE), {}, None, (NONE, NONE))
    notes = [entry.facts.notes[0] for entry in taken.entries]
    assert [entry.is_kept for entry in taken.entries] == [False] * 3
    assert [entry.facts.number for entry in taken.entries] == [0, 1, 2]
    assert "attention recomputed" in notes[0]
    assert notes[1] == "not asked for"
    assert "it could not be followed" in notes[2]


def test_written_by_hand_it_is_kept_whole_or_as_weights():
    _, _, whole = recorded(lambda: (QUERY @ KEY.mT).softmax(-1) @ VALUE)
    _, _, weights = recorded(lambda: (QUERY @ KEY.mT).relu().softmax(-1) @ VALUE)
    assert (whole.kept, weights.kept, weights.heads, weights.keys) == (Kept.WHOLE, Kept.WEIGHTS, 3, 6)


def test_self_and_cross():
    given, other, learned = (
        torch.randn(1, 1, 5, 4),
        torch.randn(1, 1, 5, 4),
        torch.nn.Parameter(torch.randn(1, 1, 5, 4)),
    )
    kinds = []
    for query in (given, other, learned):
        recording, _, _ = recorded(lambda query=query: (query @ given.mT).softmax(-1) @ given)
        kinds.append(recording.trace().layers[0].kind)
    assert kinds == ["self", "cross", "cross"]


def test_a_reason_is_one_line():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError()) == "ValueError"
    problems = (AttnvizError("a"), UnnamedError("b"), ValueError("c"))
    assert [reason_of(one) for one in problems] == ["a", "b", "it could not be followed: c"]


def test_an_attention_by_hand_that_is_not_asked_for_is_not_looked_at():
    import attnviz

    with attnviz.record(layers="1") as recording:
        (QUERY @ KEY.mT).softmax(-1) @ VALUE
    assert recording.layers[0].notes == ("not asked for",)


def test_heads_that_stand_before_the_items_are_told_by_what_reads_them():
    taken = taking()
    query, key, value = (one.transpose(0, 1) for one in tensors())
    with torch.no_grad():
        output = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    taken.fused(SDPA, (query, key, value), {}, output, (NONE, NONE))
    heads, items = output.shape[:2]
    given = output.permute(1, 2, 0, 3).flatten(2)
    taken.projections.saw("linear", (given, torch.eye(given.shape[-1])), {}, given)
    (entry,) = taken.entries
    assert (entry.facts.items, entry.facts.heads) == (items, heads)
    assert torch.equal(entry.whole.query, query.transpose(0, 1))
    assert taken.projections._found.found
