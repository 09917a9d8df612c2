"""Each attention that runs has its line, whatever becomes of it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention as sdpa
from written_attention import recorded, tensors

import attnviz
from attnviz import AttnvizError
from attnviz.sources.recording.fused import SDPA
from attnviz.sources.recording.running import Running
from attnviz.sources.recording.scores import UnnamedError, one_line, reason_of
from attnviz.sources.recording.taking import Taking
from attnviz.trace.recorded import How, Kept

QUERY, KEY, VALUE = tensors()
OUTPUT = sdpa(QUERY, KEY, VALUE)
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
        output = sdpa(query, key, value)
    taken.fused(SDPA, (query, key, value), {}, output, (NONE, NONE))
    heads, items = output.shape[:2]
    given = output.permute(1, 2, 0, 3).flatten(2)
    taken.projections.saw("linear", (given, torch.eye(given.shape[-1])), {}, given)
    (entry,) = taken.entries
    assert (entry.facts.items, entry.facts.heads) == (items, heads)
    assert torch.equal(entry.whole.query, query.transpose(0, 1))
    assert taken.projections._found.found


def test_what_has_no_numbers_says_so():
    taken = taking()
    for query, key in ((QUERY[:0], KEY[:0]), (QUERY, KEY[:, :, :0])):
        output = sdpa(query, key, key)
        taken.fused(SDPA, (query, key, key), {}, output, (NONE, NONE))
    assert [entry.facts.notes[0] for entry in taken.entries] == [
        "it is empty: it has no items, no queries or no keys"
    ] * 2
    with attnviz.record() as recording:
        (QUERY @ KEY[:, :, :0].mT).softmax(-1) @ VALUE[:, :, :0]
    assert recording.layers[0].notes == ("it is empty: it has no items, no queries or no keys",)


@pytest.mark.parametrize("function", [lambda x: (x @ x.mT).softmax(-1) @ x, lambda x: sdpa(x, x, x)])
def test_what_runs_inside_vmap_is_refused_in_words_and_unchanged(function):
    with attnviz.record() as recording:
        output = torch.vmap(function)(QUERY)
    assert torch.allclose(output, function(QUERY), atol=1e-6)
    assert "torch.vmap" in recording.layers[0].notes[0]
    assert recording.layers.notes == ()


def test_what_torch_func_differentiates_is_kept():
    weight = torch.randn(QUERY.shape[-1], 3)

    def loss(query):
        return ((query @ KEY.mT).softmax(-1) @ KEY)[:, 0].matmul(weight).sum()

    with attnviz.record() as recording:
        gradient = torch.func.grad(loss)(QUERY)
    assert torch.equal(gradient, torch.func.grad(loss)(QUERY))
    assert recording.layers.notes == ()
    theirs = (QUERY @ KEY.mT).softmax(-1)[1]
    assert torch.allclose(recording.trace(item=1).layers[0].steps().weights, theirs, atol=1e-6)
