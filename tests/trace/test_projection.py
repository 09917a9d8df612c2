"""A linear map, and what is taken as its numbers."""

from __future__ import annotations

import numpy
import pytest
import torch
from numpy.testing import assert_allclose

from attnviz import AttnvizError, Projection
from attnviz.trace.projection import known_numbers, no_truths

DRAW = numpy.random.default_rng(0)


def test_it_is_what_torch_computes_with_the_transpose():
    linear = torch.nn.Linear(3, 5, dtype=torch.float64)
    vectors = DRAW.normal(size=(4, 3))
    ours = Projection(linear.weight.detach().T, linear.bias.detach())
    assert_allclose(ours(vectors), linear(torch.from_numpy(vectors)).detach(), atol=1e-12)
    plain = Projection(linear.weight.detach().T)
    assert_allclose(plain(vectors), linear(torch.from_numpy(vectors)).detach() - linear.bias.detach(), atol=1e-12)


def test_what_a_projection_yields_is_finite():
    with pytest.raises(AttnvizError, match="what the projection yields is not finite"):
        Projection(numpy.full((2, 2), 1e308))(numpy.full((1, 2), 1e308))


def test_truths_are_numbers():
    assert no_truths(torch.tensor([True]), "x").dtype == torch.float64
    assert known_numbers(None, "x") is None
    assert known_numbers([[1, 2]], "x").tolist() == [[1, 2]]
