"""The first layer that sees a picture."""

from __future__ import annotations

import torch

from attnviz.sources.huggingface.patches.convolution import MOST_CALLS, first_layer


class Seeing(torch.nn.Module):
    def __init__(self, before=1):
        super().__init__()
        self.other = torch.nn.Linear(2, 2)
        self.patches = torch.nn.Conv2d(1, 2, 2, 2)
        self.before = before
        self.ended = 0

    def forward(self, pixels):
        for _ in range(self.before):
            self.other(torch.ones(1, 2))
        out = self.patches(pixels)
        self.ended += 1
        return out


BLACK, WHITE = ({"pixels": value * torch.ones(1, 1, 4, 4)} for value in (0.0, 1.0))


def test_it_is_the_first_whose_input_differs():
    model = Seeing()
    found = first_layer(model, [BLACK, WHITE, WHITE])
    assert found.layer is model.patches
    assert [given.mean().item() for given in found.given] == [0.0, 1.0, 1.0]
    assert all(not module._forward_pre_hooks for module in model.modules())


def test_the_pass_ends_when_enough_is_seen():
    model = Seeing(before=MOST_CALLS)
    assert first_layer(model, [BLACK, WHITE]) is None
    assert model.ended == 0


def test_what_differs_in_shape_or_in_its_way_is_not_known():
    model = Seeing()
    wide = {"pixels": torch.ones(1, 1, 4, 6)}
    assert first_layer(model, [BLACK, wide]) is None
    assert first_layer(model, [BLACK, BLACK]) is None
