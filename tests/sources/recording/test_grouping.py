"""Items and heads that lie in one axis are told apart by what the module puts side by side."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import attnviz
from attnviz.sources.recording.grouping import Grouping, grouping
from attnviz.trace.recorded import Kept

ITEMS, HEADS, TOKENS, WIDTH = 3, 4, 5, 16


class OneAxis(nn.Module):
    """Attention whose items and heads lie in one axis, in either order; it names its heads by a word of its own, if at all.

    mixed  whether its scores are changed in a way that no rule has a word for
    """

    def __init__(self, heads_first: bool, tokens_first: bool = False, mixed: bool = False) -> None:
        super().__init__()
        self.heads_first, self.tokens_first, self.mixed = heads_first, tokens_first, mixed
        self.project, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def apart(self, x):
        return [
            one.unflatten(-1, (HEADS, -1)).transpose(1, 2) for one in self.project(x).chunk(3, -1)
        ]  # (items, heads, tokens, d) each

    def weights(self, query, key):
        scores = query @ key.mT / 2
        return (scores.sin() if self.mixed else scores).softmax(-1)

    def forward(self, x):
        x = x.transpose(0, 1) if self.tokens_first else x
        heads = self.apart(x)
        query, key, value = ((one.transpose(0, 1) if self.heads_first else one).flatten(0, 1) for one in heads)
        output = self.weights(query, key) @ value
        if self.heads_first:
            output = torch.cat(output.split(len(x), 0), -1)
        else:
            output = output.unflatten(0, (len(x), HEADS)).transpose(1, 2).flatten(2)
        return self.out(output.transpose(0, 1) if self.tokens_first else output)


@pytest.mark.parametrize("heads_first", [True, False])
@pytest.mark.parametrize("tokens_first", [True, False])
@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("named", [None, HEADS])
def test_every_item_has_its_own_heads(heads_first, tokens_first, mixed, named):
    module = OneAxis(heads_first, tokens_first, mixed)
    if named is not None:
        module.n_head = named
    x = torch.randn(ITEMS, TOKENS, WIDTH)
    with attnviz.record(module) as recording:
        module(x.transpose(0, 1).contiguous() if tokens_first else x)
    (layer,) = recording.layers
    assert (layer.items, layer.windows, layer.heads, layer.kv_heads) == (ITEMS, 1, HEADS, HEADS)
    assert layer.kept is (Kept.WEIGHTS if mixed else Kept.WHOLE)
    query, key, _ = module.apart(x)
    theirs = module.weights(query, key)
    for item in range(ITEMS):
        layer = recording.trace(item=item).layers[0]
        ours = torch.as_tensor(layer.weights if mixed else layer.steps().weights)
        assert torch.allclose(ours, theirs[item], atol=1e-6)


def test_the_mask_of_an_item_stays_its_own_and_w_o_is_found():
    x = torch.randn(HEADS * ITEMS, TOKENS, 4)
    hidden = torch.zeros(ITEMS, 1, TOKENS, dtype=torch.bool)
    hidden[1, :, 3:] = True
    weight = torch.randn(WIDTH, WIDTH)
    with attnviz.record() as recording:
        weights = (x @ x.mT).masked_fill(hidden.repeat(HEADS, 1, 1), -torch.inf).softmax(-1)
        torch.nn.functional.linear(torch.cat((weights @ x).split(ITEMS, 0), -1), weight)
    for item in range(ITEMS):
        layer = recording.trace(item=item).layers[0]
        assert torch.allclose(torch.as_tensor(layer.steps().weights), weights[item::ITEMS], atol=1e-6)
        assert torch.equal(layer.projections["output"].weight, weight.T)


def test_sinks_that_all_heads_share_stay():
    x = torch.randn(HEADS * ITEMS, TOKENS, 4)
    with attnviz.record() as recording:
        weights = torch.cat([x @ x.mT, torch.full((HEADS * ITEMS, TOKENS, 1), 0.5)], -1).softmax(-1)[..., :-1]
        torch.nn.functional.linear(torch.cat((weights @ x).split(ITEMS, 0), -1), torch.randn(WIDTH, WIDTH))
    for item in range(ITEMS):
        layer = recording.trace(item=item).layers[0]
        assert torch.allclose(torch.as_tensor(layer.steps().weights), weights[item::ITEMS], atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 5), (2, 3, 13), (2, 3, 36)])
def test_what_does_not_hold_the_outputs_says_nothing(shape):
    assert grouping(torch.randn(2, 3, 3, 4), torch.randn(shape)) is None
    assert grouping(torch.randn(2, 3, 3, 4), torch.randn(2, 3, 12)) is None


def test_a_grouping_is_an_order_of_the_same_matrices():
    array = torch.arange(6).view(2, 3)
    assert Grouping(3).of(array).tolist() == array.tolist()
    assert Grouping(2, heads_first=True).of(array).tolist() == [[0, 3], [1, 4], [2, 5]]
