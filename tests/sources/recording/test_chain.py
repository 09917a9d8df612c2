"""What was done to a tensor is done again to another."""

from __future__ import annotations

import pytest
import torch

from attnviz.sources.recording.chain import ITSELF, Call, Chain, with_itself
from attnviz.text.message import Message

GIVEN = torch.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("transpose", (0, 1)),
        ("view", (6, 4)),
        ("view_as", (torch.ones(4, 6),)),
        ("permute", (2, 0, 1)),
        ("__getitem__", ((slice(None), 0),)),
        ("transpose_", (0, 1)),
        ("masked_fill_", (GIVEN > 3, -1.0)),
    ],
)
def test_a_call_does_the_same_again_and_leaves_what_it_is_given(name, arguments):
    func, given = getattr(torch.Tensor, name), GIVEN.clone()
    call = Call(name, func, (ITSELF, *arguments), {})
    assert torch.equal(call.on(given), func(GIVEN.clone(), *arguments))
    assert torch.equal(given, GIVEN)
    assert given.shape == GIVEN.shape


def test_a_view_is_taken_of_what_lies_otherwise_in_memory():
    turned = GIVEN.transpose(0, 2).contiguous().transpose(0, 2)
    assert torch.equal(Call("view", torch.Tensor.view, (ITSELF, 24), {}).on(turned), GIVEN.flatten())


def test_one_of_several_results_and_a_place_in_a_list():
    assert torch.equal(Call("chunk", torch.chunk, (ITSELF, 2), {"dim": 2}, pick=1).on(GIVEN), GIVEN[..., 2:])
    joined = Call("cat", torch.cat, with_itself(([GIVEN, torch.ones(1, 3, 4)],), GIVEN), {})
    assert torch.equal(joined.on(GIVEN * 2), torch.cat([GIVEN * 2, torch.ones(1, 3, 4)]))


def test_its_arguments_by_place_and_by_name():
    call = Call("sub", torch.sub, with_itself((3, GIVEN), GIVEN), {"alpha": 2})
    assert (call.position, call.other("other")) == (1, 3)
    assert Call("sub", torch.sub, (ITSELF,), {"other": 5}).other("input", "other") == 5
    assert Call("sub", torch.sub, ([ITSELF],), {}).position == -1
    assert (call.argument(2, "alpha"), call.argument(0, "x"), call.argument(7, "x", 9)) == (2, 3, 9)


def test_a_chain_that_is_spoiled_lets_go_of_all_but_the_reason():
    chain = Chain("root", sides=(frozenset([1]), frozenset([2]))).then(Call("neg", torch.neg, (ITSELF,), {}))
    assert (len(chain.calls), chain.labels, chain.is_scores) == (1, {1, 2}, True)
    spoiled = chain.spoil(Message("the reason"))
    assert (spoiled.root, spoiled.calls, spoiled.spoiled) == (None, (), "the reason")
    assert spoiled.spoil(Message("another")) is spoiled
    assert not Chain("root", sides=(frozenset([1]), frozenset())).is_scores
