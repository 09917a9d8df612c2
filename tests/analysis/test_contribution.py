"""Contributions of a head, some rows at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch
from traces_of_all_kinds import normal

from attnviz import Layer, Rule
from attnviz.analysis.blocks import row_block
from attnviz.analysis.contribution import Carried, contribution_norms, shares, shares_of_block, sharing
from attnviz.choices import MeasuredStep
from attnviz.errors import AttnvizError
from attnviz.trace.along import OutputDirection
from attnviz.trace.contribution import HeadContribution
from tests.support.contributions import norms, summed_norms, with_output

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
    numpy.testing.assert_allclose(shares_of_block(block, Carried([LAYER], (2, 3))), expected, rtol=1e-6)


@pytest.mark.parametrize("rows", [slice(0, 6), slice(3, 5)])
def test_all_heads_as_one_share_what_their_vectors_added_up_bring(rows):
    """Of two layers that are measured together, each is one head, which sees what any of its heads sees."""
    other = replace(LAYER, query=-LAYER.query)
    mask = normal(8, 6, 6) > 0
    joined = Layer(
        *(numpy.concatenate([getattr(one, name) for one in (LAYER, other)]) for name in ("query", "key", "value")),
        Rule(mask=mask),
    )
    layers = [replace(one, rule=Rule(mask=own)) for one, own in zip((LAYER, other), numpy.split(mask, 2), strict=True)]
    block = row_block(joined, slice(0, 8), rows)
    found = sharing(layers, MeasuredStep.SUMMED, range(8))(block)
    assert found.heads == slice(0, 2)
    for place, layer in enumerate(layers):
        expected = summed_norms(layer)[rows]
        total = expected.sum(axis=-1, keepdims=True)
        numpy.testing.assert_allclose(
            found.steps.weights[place], expected / numpy.where(total == 0, 1, total), rtol=1e-9
        )
        numpy.testing.assert_array_equal(found.steps.hidden[place], ~layer.rule.mask.any(axis=0)[rows])


def test_weights_are_shared_as_they_are():
    assert sharing([LAYER], MeasuredStep.WEIGHTS, range(4)) is None


def test_heads_are_counted_through_layers_and_shared_by_what_each_brings():
    other = replace(LAYER, value=2 * LAYER.value[:, ::-1])
    carried = Carried([LAYER, other], [6, 1])
    for number, layer, head in ((1, LAYER, 1), (6, other, 2)):
        numpy.testing.assert_array_equal(carried.head(number)()[0], HeadContribution(layer, head).factors())
    block = row_block(LAYER, slice(2, 4), slice(0, 6))
    share = sharing([LAYER], MeasuredStep.CONTRIBUTION, range(4))
    assert share is not None
    expected = norms(LAYER)[2:4]
    numpy.testing.assert_allclose(
        share(block).steps.weights, expected / expected.sum(axis=-1, keepdims=True), rtol=1e-6
    )


def test_the_direction_that_heads_share_is_computed_once():
    layer = replace(LAYER, toward=OutputDirection(LAYER))
    carried = Carried([layer], range(4))
    found = [carried.head(head)() for head in range(4)]
    expected = [HeadContribution(layer, head).factors() for head in range(4)]
    numpy.testing.assert_allclose(found, expected)
