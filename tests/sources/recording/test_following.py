"""Tensors are followed from a product to a softmax to the values, through whatever happens on the way."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from written_attention import KEYS, QUERIES, require_own, require_weights_alone, tensors

import attnviz

QUERY, KEY, VALUE = tensors()


def after_the_values():
    exponentials = torch.exp(QUERY @ KEY.mT)
    return (exponentials @ VALUE) / exponentials.sum(-1, keepdim=True)


def written_into():
    scores, bias = QUERY @ KEY.mT, torch.zeros(QUERIES, KEYS)
    bias[0] = torch.arange(KEYS)
    scores[..., 0] = -1e9
    return (scores + bias).softmax(-1) @ VALUE


WAYS = {
    "torch's own kernel": lambda: functional.scaled_dot_product_attention(QUERY, KEY, VALUE),
    "written into": written_into,
    "exponentials": after_the_values,
    "a logarithm": lambda: functional.log_softmax(QUERY @ KEY.mT, dim=-1).exp() @ VALUE,
    "clamped to no effect": lambda: (QUERY @ KEY.mT).clamp(max=1e4).softmax(-1).clamp(0, 1) @ VALUE,
    "the module of a softmax": lambda: torch.nn.Softmax(dim=-1)(QUERY @ KEY.mT) @ VALUE,
    "named arguments": lambda: functional.softmax(input=QUERY @ KEY.mT, dim=-1) @ VALUE,
    "pieces of a larger product": lambda: (
        (torch.cat([QUERY, QUERY], 2) @ KEY.mT).chunk(2, dim=2)[1].softmax(-1) @ VALUE
    ),
    "split": lambda: (torch.cat([QUERY, QUERY], 2) @ KEY.mT).split([QUERIES, QUERIES], 2)[0].softmax(-1) @ VALUE,
    "dropout of scores that is off": lambda: functional.dropout(QUERY @ KEY.mT, 0.5, False).softmax(-1) @ VALUE,
    "a baddbmm": lambda: (
        torch.baddbmm(torch.randn(QUERIES, KEYS), QUERY.flatten(0, 1), KEY.flatten(0, 1).mT, beta=2, alpha=0.3)
        .view(2, 3, QUERIES, KEYS)
        .softmax(-1)
        @ VALUE
    ),
    "a maximum that changes nothing": lambda: torch.max(QUERY @ KEY.mT, torch.tensor(-1e9)).softmax(-1) @ VALUE,
    "an attribute": lambda: (KEY @ QUERY.mT).mT.data.softmax(-1) @ VALUE,
    "a projection of tensors before": lambda: (
        ((QUERY @ torch.nn.Parameter(torch.eye(4) * 2, requires_grad=False)) @ KEY.mT).softmax(-1) @ VALUE
    ),
}


@pytest.mark.parametrize("name", WAYS)
def test_it_is_followed(name):
    require_own(WAYS[name])


ALONE = {
    "two products": (
        lambda: torch.cat([QUERY @ KEY.mT, QUERY @ KEY.mT], -1).softmax(-1) @ torch.cat([VALUE, VALUE], 2),
        "several products",
    ),
    "dropout of scores": (lambda: functional.dropout(QUERY @ KEY.mT, 0.5).softmax(-1) @ VALUE, "dropout changes"),
    "a term of the input": (
        lambda: ((QUERY @ KEY.mT) + QUERY.sum() * torch.ones(2, 3, 5, 6)).softmax(-1) @ VALUE,
        "input",
    ),
    "mixed scores": (
        lambda: (torch.ones(QUERIES, QUERIES) @ (QUERY @ KEY.mT)).softmax(-1) @ VALUE,
        "mixed with each other",
    ),
    "a spoiled addend": (
        lambda: torch.baddbmm(QUERY[0] @ KEY[0].mT, QUERY[0], KEY[0].mT).softmax(-1) @ VALUE[0],
        "input",
    ),
    "changed weights": (lambda: (QUERY @ KEY.mT).softmax(-1).sqrt() @ VALUE, "changed by sqrt after"),
    "moved and changed": (lambda: ((QUERY @ KEY.mT).softmax(-1) + 1).flip(0).flip(0) @ VALUE, "changed by add after"),
    "a softmax of weights": (lambda: (QUERY @ KEY.mT).softmax(-1).softmax(-1) @ VALUE, "no product of two"),
    "spoiled, then moved": (lambda: ((QUERY @ KEY.mT).sin() * 2).flip(0).softmax(-1) @ VALUE, "changed by sin"),
    "a logarithm of nothing": (lambda: QUERY.new_ones(2, 3, 5, 6).softmax(-1) @ VALUE, "no product of two"),
}


@pytest.mark.parametrize("name", ALONE)
def test_it_is_followed_no_further(name):
    attention, because = ALONE[name]
    require_weights_alone(attention, because=because)


@pytest.mark.parametrize(
    "code",
    [
        lambda: (QUERY @ KEY.mT) @ VALUE,  # linear attention has no softmax
        lambda: (QUERY @ KEY.mT).softmax(-1).sum(),
        lambda: (QUERY @ KEY.mT).softmax(-1).argmax(-1),
        lambda: (QUERY @ KEY.mT).amax(),
        lambda: functional.softmax(QUERY[0, 0, 0], dim=0),
        lambda: torch.log_softmax(QUERY, -1),
        lambda: torch.nn.functional.linear(QUERY, torch.nn.Parameter(KEY[0, 0])).softmax(-1),
    ],
)
def test_what_is_no_attention_has_no_line(code):
    with attnviz.record() as recording:
        code()
    assert len(recording.layers) == 0
    assert recording.layers.notes == ()


def test_dropout_of_weights_is_followed():
    with attnviz.record() as recording:
        functional.dropout((QUERY @ KEY.mT).softmax(-1), 0.5) @ VALUE
    assert "dropout was on" in recording.layers[0].notes[0]


def test_what_was_followed_is_let_go_of_when_the_recording_ends():
    import weakref

    def attend():
        query = QUERY.clone()
        (query @ KEY.mT).softmax(-1) @ VALUE
        return weakref.ref(query)

    with attnviz.record():
        gone = attend()
    assert gone() is None
