"""Mistakes of a rotation."""

from __future__ import annotations

import numpy
import pytest
import torch
from diagnosed import nearest, of_family, planted_cases, require_shapes
from planted_attention import rotate

from attnviz import diagnose


@pytest.mark.parametrize(("name", "bug"), of_family(("rope",)), ids=lambda one: getattr(one, "__name__", one))
def test_it_computes_what_code_with_the_mistake_computes(name, bug):
    (meant, output), *_ = planted_cases(name, bug, 1)
    assert nearest(name, meant, output) <= 1


def test_each_can_be_computed():
    require_shapes("rotations")


def _left_padded(slots: bool):
    """The last query of two items, of which the second begins with four tokens of padding, and what came out."""
    random = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 2, count, 8, generator=random) for count in (1, 20, 20))
    seen = (torch.arange(20) >= torch.tensor([[0], [4]]))[:, None, None]
    positions = (seen[:, 0, 0].long().cumsum(-1) - 1).clamp(min=0)
    own = [torch.arange(20)] * 2 if slots else list(positions)
    keys = torch.stack([rotate(one, places, 1e4, None, False) for one, places in zip(key, own, strict=True)])
    last = torch.stack([rotate(one, at[-1:], 1e4, None, False) for one, at in zip(query, positions, strict=True)])
    output = torch.nn.functional.scaled_dot_product_attention(last, keys, value, attn_mask=seen)
    meant = {"mask": seen.numpy(), "query_offset": 19, "rope_theta": 1e4, "positions": positions.numpy()}
    return diagnose(*(one.numpy() for one in (query, key, value, output)), **meant)


def test_positions_of_each_item_are_read():
    assert _left_padded(False).verdict == "correct"


def test_slots_taken_for_positions_are_named():
    found = _left_padded(True)
    assert [one.name for one in found.mistakes] == ["rope-positions"]
    assert found.mistakes[0].after < found.tolerance < found.error


@pytest.mark.slow
def test_with_positions_of_each_item_each_can_be_computed():
    random = numpy.random.default_rng(0)
    query, key, value, output = (random.standard_normal((2, 4, 9, 8)).astype("float32") for _ in range(4))
    places = numpy.stack([numpy.arange(9), numpy.arange(9) * 2])
    assert diagnose(query, key, value, output, causal=True, rope_theta=1e4, positions=places).verdict == "unknown"
