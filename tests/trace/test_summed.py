"""The contributions of all heads added up: held against their vectors, written out one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
import torch
from traces_of_all_kinds import normal

from attnviz import Layer, Rule, trace_text
from attnviz.errors import AttnvizError
from attnviz.trace import summed
from attnviz.trace.contribution import HeadContribution
from attnviz.trace.direction import Direction
from attnviz.trace.summed import SummedContribution, summed_contributions
from tests.support.contributions import doubles, summed_norms, vectors, with_output

LAYER = with_output(Layer(normal(4, 6, 2), normal(2, 6, 2), normal(2, 6, 3), Rule(causal=True, sinks=normal(4))))
WITHOUT = Layer(normal(1, 2, 2), normal(1, 2, 2), normal(1, 2, 2))


@pytest.mark.parametrize("held", [numpy.asarray, torch.as_tensor])
@pytest.mark.parametrize("rows", [slice(None), slice(2, 5)])
def test_it_is_as_long_as_the_vectors_added_up(rows, held, monkeypatch):
    monkeypatch.setattr(summed, "BLOCK", 4)
    monkeypatch.setattr(summed, "CELLS", 4 * 6 * 2)  # two rows at a time
    layer = replace(LAYER, **{name: held(getattr(LAYER, name)) for name in ("query", "key", "value")})
    expected = summed_norms(LAYER)
    found = summed_contributions(layer, rows)
    assert isinstance(found, numpy.ndarray)
    numpy.testing.assert_allclose(found, expected[rows], atol=1e-12 * expected.max())


def test_some_queries_and_keys_have_the_sums_that_they_have_among_all():
    whole, weights = summed_contributions(LAYER), LAYER.steps().weights
    one = SummedContribution(LAYER)
    numpy.testing.assert_allclose(one(weights[:, 1:3, 2:5], slice(1, 3), slice(2, 5)), whole[1:3, 2:5], rtol=1e-12)
    numpy.testing.assert_allclose(one(weights[..., [4, 0]], keys=numpy.array([4, 0])), whole[:, [4, 0]], rtol=1e-12)


def test_heads_that_bring_opposites_cancel_out_and_heads_that_bring_the_same_add_up():
    toy = trace_text("a b c", heads=2).layers[0]
    output = toy.projections["output"]
    width = toy.value.shape[-1]
    for sign, times in ((-1, 0), (1, 2)):
        weight = numpy.concatenate([output.weight[:width], sign * output.weight[:width]])
        twins = replace(
            toy,
            **{name: getattr(toy, name)[[0, 0]] for name in ("query", "key", "value")},
            projections={"output": replace(output, weight=weight)},
        )
        alone = HeadContribution(twins, 0)(twins.steps(0).weights)
        numpy.testing.assert_allclose(summed_contributions(twins), times * alone, atol=1e-7 * alone.max())


@pytest.mark.parametrize("held", [numpy.asarray, torch.as_tensor])
def test_along_a_direction_it_is_the_sum_of_the_heads_with_their_signs(held):
    direction = Direction("x", held(normal(6, 5)), held(1 + normal(6) ** 2))
    layer = replace(LAYER, toward=direction)
    along = doubles(direction.vector) / doubles(direction.divisors)[:, None]  # (queries, d_out)
    expected = torch.einsum("hqkd,qd->qk", vectors(LAYER), along).numpy()
    assert (expected < 0).any()
    numpy.testing.assert_allclose(summed_contributions(layer), expected, atol=1e-12 * abs(expected).max())
    numpy.testing.assert_allclose(
        summed_contributions(layer, slice(2, 5)), expected[2:5], atol=1e-12 * abs(expected).max()
    )


def test_of_one_head_it_is_that_head():
    layer = with_output(Layer(normal(1, 4, 2), normal(1, 4, 2), normal(1, 4, 3)))
    numpy.testing.assert_allclose(
        summed_contributions(layer), HeadContribution(layer, 0)(layer.steps(0).weights), rtol=1e-12
    )


def test_without_w_o_there_is_none():
    with pytest.raises(AttnvizError, match="W_O of layer 0 is not known"):
        summed_contributions(WITHOUT)


def test_too_many_keys_for_their_products_are_refused(monkeypatch):
    monkeypatch.setattr("attnviz.attention.memory.allowance", lambda: 100)
    with pytest.raises(AttnvizError, match="products of 4 heads for each of 6 keys"):
        SummedContribution(LAYER)
