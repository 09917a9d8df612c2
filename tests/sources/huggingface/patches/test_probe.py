"""Which tokens change with which cells: one patch at a time, of a model whose tokens are its patches in order."""

from __future__ import annotations

import numpy
import torch
from seeing_models import network

from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.patches.probe import probing


def test_each_cell_changes_its_token_alone_in_every_layer():
    model = Model.of(network("vit"))
    pixels = {"pixel_values": torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))}
    layer = model.model.embeddings.patch_embeddings.projection
    places = frozenset({("", 0), ("", 1)})
    with probing(model, pixels, layer, places, torch.get_rng_state()) as prober:
        for cell in (0, 5, 15):
            found = prober.changed(numpy.arange(16) == cell)
            assert set(found) == places
            for sides in found.values():
                assert [numpy.flatnonzero(side).tolist() for side in sides] == [[cell + 1]] * 2
        nothing = prober.changed(numpy.zeros(16, dtype=bool))
        assert not any(side.any() for sides in nothing.values() for side in sides)
    assert not layer._forward_hooks


def test_chance_is_the_same_in_each_pass_and_afterwards_what_it_was():
    model = Model.of(network("vit_mae", mask_ratio=0.5))
    pixels = {"pixel_values": torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))}
    torch.manual_seed(3)
    random = torch.get_rng_state()
    layer = model.model.embeddings.patch_embeddings.projection
    with probing(model, pixels, layer, frozenset({("", 0)}), random) as prober:
        everything = prober.changed(numpy.ones(16, dtype=bool))["", 0]
        assert everything.keys.tolist() == [False, *[True] * 8]
        one = [prober.changed(numpy.arange(16) == cell)["", 0].keys.sum() for cell in range(16)]
    assert sorted(one) == [0] * 8 + [1] * 8
    assert torch.equal(torch.get_rng_state(), random)


class TestLinear:
    def test_a_linear_first_layer_is_changed_row_by_row(self):
        from attnviz.sources.huggingface.patches.probe import Prober, ProbeWatch

        watch = ProbeWatch(torch.nn.Identity())
        prober = Prober.__new__(Prober)
        prober.watch, prober._cells = watch, torch.tensor([True, False, True])
        output = torch.ones(1, 3, 4)
        changed = prober.change(torch.nn.Linear(2, 4), None, output)
        assert (changed != output).any(dim=-1).tolist() == [[True, False, True]]
