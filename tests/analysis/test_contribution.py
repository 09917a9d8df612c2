"""Contributions of a head, some rows at a time."""

from __future__ import annotations

import numpy
import pytest
import torch
from traces_of_all_kinds import normal

from attnviz import Layer, Rule
from attnviz.analysis.contribution import contribution_norms
from attnviz.errors import AttnvizError
from tests.support.contributions import norms, with_output

LAYER = with_output(Layer(normal(4, 6, 2), normal(2, 6, 2), normal(2, 6, 3), Rule(causal=True, sinks=normal(4))))


@pytest.mark.parametrize("head", range(4))
@pytest.mark.parametrize("rows", [None, slice(0, 6), slice(2, 5), slice(5, None)])
def test_rows_of_a_head_have_the_norms_of_the_paper(head, rows):
    numpy.testing.assert_allclose(
        contribution_norms(LAYER, head, rows), norms(LAYER)[head][rows or slice(None)], rtol=1e-6
    )


def test_torch_in_torch_out():
    layer = with_output(Layer(*(torch.as_tensor(normal(2, 3, 4)) for _ in range(3))))
    found = contribution_norms(layer, 1)
    assert isinstance(found, torch.Tensor)
    numpy.testing.assert_allclose(found.numpy(), norms(layer)[1], rtol=1e-6)


def test_without_w_o_there_is_no_contribution():
    with pytest.raises(AttnvizError, match="W_O of layer 0 is not known"):
        contribution_norms(Layer(normal(1, 2, 2), normal(1, 2, 2), normal(1, 2, 2)), 0)
