"""Contributions of a head, some rows at a time."""

from __future__ import annotations

import numpy
import pytest
import torch
from traces_of_all_kinds import normal

from attnviz import Layer, Rule
from attnviz.analysis import contribution
from attnviz.analysis.blocks import row_block
from attnviz.analysis.contribution import contribution_norms, shares, shares_of_block, summed_norms
from attnviz.errors import AttnvizError
from attnviz.trace.contribution import HeadContribution
from tests.support.contributions import norms, vectors, with_output

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


def test_shares_of_a_row_add_up_to_1_whatever_the_signs_are_and_of_nothing_are_nothing():
    found = shares(numpy.array([[1.0, -3.0], [0.0, 0.0]]))
    assert found.tolist() == [[0.25, 0.75], [0.0, 0.0]]


@pytest.mark.parametrize("rows", [slice(0, 6), slice(3, 5)])
def test_the_shares_of_a_block_are_those_of_its_norms(rows):
    block = row_block(LAYER, slice(2, 4), rows)
    expected = norms(LAYER)[2:4, rows, block.keys]
    expected = expected / expected.sum(axis=-1, keepdims=True)
    carries = {head: HeadContribution(LAYER, head) for head in (2, 3)}
    numpy.testing.assert_allclose(shares_of_block(block, carries), expected, rtol=1e-6)


@pytest.mark.parametrize("rows", [None, slice(2, 5)])
def test_the_sum_of_the_heads_is_as_long_as_its_vectors_added_up(rows, monkeypatch):
    monkeypatch.setattr(contribution, "BLOCK", 4)
    monkeypatch.setattr(contribution, "CELLS", 4 * 6 * 2)  # two rows at a time
    expected = torch.linalg.vector_norm(vectors(LAYER).sum(dim=0), dim=-1).numpy()
    found = summed_norms(LAYER, rows)
    numpy.testing.assert_allclose(found, expected[rows or slice(None)], atol=5e-16 * 8 * expected.max())


def test_of_one_head_the_sum_is_that_head():
    layer = with_output(Layer(normal(1, 4, 2), normal(1, 4, 2), normal(1, 4, 3)))
    numpy.testing.assert_allclose(summed_norms(layer), contribution_norms(layer, 0), rtol=1e-12)
    with pytest.raises(AttnvizError, match="W_O of layer 0 is not known"):
        summed_norms(Layer(normal(1, 2, 2), normal(1, 2, 2), normal(1, 2, 2)))
