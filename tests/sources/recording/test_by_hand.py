"""Weights meet their values, however that is written."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from written_attention import HEADS, ITEMS, KEYS, QUERIES, recorded, require_own, require_weights_alone, tensors

import attnviz
from attnviz.trace.recorded import Kept

QUERY, KEY, VALUE = tensors()


def weights():
    return (QUERY @ KEY.mT).softmax(-1)


def behind(output):
    """(items, queries, heads, d_v) → (items, heads, queries, d_v)"""
    return output.transpose(1, 2)


MEETINGS = {
    "matmul": (lambda: weights() @ VALUE, lambda output: output),
    "turned": (lambda: VALUE.mT @ weights().mT, lambda output: output.mT),
    "einsum": (lambda: torch.einsum("bhij,bhjd->bihd", weights(), VALUE), behind),
    "a value that heads share": (lambda: weights() @ VALUE[:, :1], lambda output: output),
    "bmm": (lambda: torch.bmm(weights().flatten(0, 1), VALUE.flatten(0, 1)), lambda o: o.unflatten(0, (ITEMS, HEADS))),
    "keys turned over": (lambda: weights().flip(-1) @ VALUE.flip(2), lambda output: output),
    "keys first": (lambda: (KEY @ QUERY.mT).softmax(-2).mT @ VALUE, lambda output: output),
    "heads last": (
        lambda: torch.einsum("bijh,bhjd->bhid", torch.einsum("bhid,bhjd->bijh", QUERY, KEY).softmax(2), VALUE),
        lambda output: output,
    ),
    "float64 between": (lambda: weights().double().float() @ VALUE, lambda output: output),
    "dropout that is off": (lambda: functional.dropout(weights(), 0.3, training=False) @ VALUE, lambda output: output),
    "nan_to_num": (lambda: weights().nan_to_num() @ VALUE, lambda output: output),
    "a zero value for a sink": (
        lambda: functional.pad(QUERY @ KEY.mT, (0, 1)).softmax(-1) @ functional.pad(VALUE, (0, 0, 0, 1)),
        lambda output: output,
    ),
}

CAUSAL = torch.ones(QUERIES, KEYS).tril() == 0
ADDED = {
    "a mask and a bias": lambda scores: (scores + torch.randn(HEADS, 1, KEYS)).masked_fill(CAUSAL, -torch.inf),
    "sinks and a bias": lambda scores: torch.cat(
        [scores + torch.randn(QUERIES, KEYS), torch.randn(HEADS, 1, 1).expand(ITEMS, HEADS, QUERIES, 2)], -1
    ),
    "a factor of each query": lambda scores: scores * torch.rand(QUERIES, 1),
    "a factor of each key": lambda scores: scores * torch.rand(KEYS),
    "a shift": lambda scores: scores - scores.amax(-1, keepdim=True),
}


@pytest.mark.parametrize("name", ADDED)
def test_what_is_added_goes_with_it(name):
    require_own(lambda: ADDED[name](QUERY @ KEY.mT).softmax(-1)[..., :KEYS] @ VALUE)


@pytest.mark.parametrize("name", MEETINGS)
def test_it_is_what_the_code_itself_computes(name):
    attention, layout = MEETINGS[name]
    recording, result, layer = recorded(attention)
    together = layer.items != ITEMS  # items and heads in one axis, and no module that says how many are heads
    expected = layout(result).flatten(0, 1)[:, None] if together else layout(result)
    assert layer.kept is Kept.WHOLE, layer.notes
    for item in range(layer.items):
        assert torch.allclose(recording.trace(item=item).layers[0].steps().output, expected[item], atol=1e-5)


ALONE = {
    "weights that are changed": (lambda: weights() * torch.rand(KEYS) @ VALUE, "changed by mul after the softmax"),
    "weights that are mixed": (
        lambda: torch.einsum("bhij,hg->bgij", weights(), torch.randn(HEADS, HEADS)),
        "mixed with each other",
    ),
    "some queries": (lambda: weights()[:, :, :2] @ VALUE, "only some of the weights"),
    "some keys": (lambda: weights()[..., :2] @ VALUE[:, :, :2], "only some of the keys"),
    "a factor of each score": (
        lambda: (QUERY @ KEY.mT * torch.rand(QUERIES, KEYS)).softmax(-1) @ VALUE,
        "factor of its own",
    ),
    "a term of the input": (
        lambda: (QUERY @ KEY.mT + QUERY.mean() * torch.rand(KEYS)).softmax(-1) @ VALUE,
        "depends on the input",
    ),
    "a way that cannot be gone again": (
        lambda: (QUERY @ KEY.mT).view(torch.int32).view(torch.float32).softmax(-1) @ VALUE,
        "could not be followed",
    ),
    "no product": (lambda: (QUERY[..., None, :] - KEY[:, :, None]).sum(-1).softmax(-1) @ VALUE, "no product of two"),
    "keys of each query": (
        lambda: (QUERY[:, :, :, None] @ torch.randn(2, HEADS, QUERIES, KEYS, 4).mT)[:, :, :, 0].softmax(-1) @ VALUE,
        "keys of its own",
    ),
}


@pytest.mark.parametrize("name", ALONE)
def test_what_does_not_fit_a_layer_leaves_weights_alone(name):
    attention, because = ALONE[name]
    require_weights_alone(attention, because=because)


def test_keys_that_heads_share_are_kept_once():
    shared = [one[:, :1].expand(-1, HEADS, -1, -1) for one in (KEY, VALUE)]
    layer, _ = require_own(lambda: (QUERY @ shared[0].mT).softmax(-1) @ shared[1])
    assert layer.key.shape[0] == layer.value.shape[0] == 1
    twice = [torch.cat([one, one]).unflatten(0, (2, 2)).transpose(0, 1).flatten(1, 2) for one in (KEY, VALUE)]
    tiled, _ = require_own(
        lambda: (torch.cat([QUERY, QUERY], 1) @ twice[0].mT).softmax(-1) @ twice[1], layout=lambda output: output
    )
    assert tiled.key.shape[0] == 2 * HEADS  # tiled, not side by side


def test_dropout_that_is_on_is_said_and_the_weights_are_compared():
    _, _, layer = recorded(lambda: functional.dropout(weights(), 0.5) @ VALUE)
    assert layer.kept is Kept.WHOLE
    assert layer.error < 1e-6
    assert "dropout was on" in layer.notes[0]


def test_a_softmax_of_vectors_is_no_attention():
    with attnviz.record() as recording:
        QUERY[0, 0, 0].softmax(-1) @ torch.randn(4, 2)
        torch.softmax(QUERY[0, 0], -1).sum() * VALUE
    assert len(recording.layers) == 0


def test_sinks_of_each_query_are_none_of_a_head():
    sinks = torch.rand(ITEMS, HEADS, QUERIES, 1)
    _, _, layer = recorded(lambda: torch.cat([QUERY @ KEY.mT, sinks], -1).softmax(-1)[..., :-1] @ VALUE)
    assert (layer.kept, layer.notes) == (Kept.WEIGHTS, ("a sink differs from query to query",))


@pytest.mark.parametrize(
    "repaired",
    [
        lambda weights, _: weights,
        lambda weights, _: weights.nan_to_num(),
        lambda weights, hidden: weights.masked_fill(hidden, 0),
        lambda weights, hidden: weights.masked_fill_(hidden, 0),
    ],
)
def test_a_query_that_sees_no_key(repaired):
    hidden = torch.zeros(QUERIES, KEYS, dtype=torch.bool)
    hidden[2], hidden[3, 1:] = True, True
    recording, result, layer = recorded(
        lambda: repaired((QUERY @ KEY.mT).masked_fill(hidden, -torch.inf).softmax(-1), hidden) @ VALUE
    )
    assert layer.kept is Kept.WHOLE, layer.notes
    assert layer.error < 1e-6
    steps = recording.trace().layers[0].steps()
    assert steps.blind.tolist() == [[False, False, True, False, False]] * HEADS
    assert torch.allclose(steps.output, result[0].nan_to_num(), atol=1e-5)


SINGLE = {
    "bmm": lambda query, keys: (query[:, None].bmm(keys.mT).squeeze(1).softmax(-1)[:, None] @ keys).squeeze(1),
    "keys first": lambda query, keys: keys.mT.bmm(keys.bmm(query[..., None]).squeeze(2).softmax(1)[..., None]).squeeze(
        2
    ),
    "einsum": lambda query, keys: torch.einsum("bt,btd->bd", torch.einsum("bd,btd->bt", query, keys).softmax(-1), keys),
}


@pytest.mark.parametrize("name", SINGLE)
def test_an_item_with_a_single_query_needs_no_axis_for_it(name):
    query, keys = torch.randn(3, 8), torch.randn(3, 7, 8)
    with attnviz.record() as recording:
        output = SINGLE[name](query, keys)
    (layer,) = recording.layers
    assert (layer.kept, layer.items, layer.heads, layer.queries, layer.keys) == (Kept.WHOLE, 3, 1, 1, 7)
    for item in range(3):
        steps = recording.trace(item=item).layers[0].steps()
        theirs = (keys[item] @ query[item]).softmax(0)
        assert torch.allclose(torch.as_tensor(steps.weights)[0, 0], theirs, atol=1e-6)
        assert torch.allclose(torch.as_tensor(steps.output)[0, 0], output[item], atol=1e-6)
