"""Blocks hold every query once, and what metrics are made of."""

from __future__ import annotations

import math

import numpy
import pytest
from metric_texts import DRAW, trace
from numpy.testing import assert_allclose

from attnviz import Layer, Rule, Trace
from attnviz.analysis.blocks import Block, cuts, ratio, row_block, rows_of_a_block
from attnviz.analysis.measure import head_metrics
from attnviz.analysis.metrics import Metric


def test_blocks_hold_every_row_once():
    made = trace(causal=True, window=5, bias=DRAW.normal(size=(4, 14, 14)))
    whole = made.layers[0].steps()
    seen = numpy.zeros((4, 14), dtype=int)
    for cut in cuts(made.layers[0], range(4), range(14), cells=14 * 2 * 3):
        block = row_block(made.layers[0], *cut)
        seen[block.heads, block.rows] += 1
        for ours, theirs in zip(block.steps[:4], whole[:4], strict=True):
            assert_allclose(ours, theirs[block.heads, block.rows, block.keys], atol=1e-12)
        assert_allclose(block.steps.weights.sum(axis=-1), 1)  # a key that is not among them has none of the weight
    assert (seen == 1).all()


def test_even_weights_have_the_largest_entropy():
    zeros = numpy.zeros((1, 8, 2))
    metrics = head_metrics(made := Trace(tuple("abcdefgh"), (Layer(zeros, zeros, zeros),)), made.layers[0])
    assert metrics[Metric.ENTROPY] == pytest.approx(3)
    assert metrics[Metric.EVENNESS] == pytest.approx(1)
    assert metrics[Metric.EFFECTIVE_KEYS] == pytest.approx(8)


def a_block(**changed) -> Block:
    """Two heads, two queries at the positions 1 and 2, and three keys."""
    weights = numpy.array([[[0.25, 0.75, 0.0], [0.5, 0.25, 0.25]], [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    visible = numpy.array([[[True, True, False], [True] * 3], [[True, True, False], [False] * 3]])
    fields = {
        "weights": weights,
        "rest": 1 - weights.sum(axis=-1),
        "visible": visible,
        "distance": numpy.array([[1, 0, -1], [2, 1, 0]]),
        "same": numpy.zeros((2, 3), dtype=bool),
        "follows": numpy.zeros((2, 3), dtype=bool),
        "near": 2,
        "first": 0,
    }
    return Block(**fields | changed)


def test_what_metrics_are_made_of_by_hand():
    block = a_block()
    assert_allclose(block.mass_on(block.distance == 1), [[0.25, 0.25], [1.0, math.nan]])
    assert_allclose(block.weighted_sum(abs(block.distance)), [[0.25, 1.25], [1.0, 0.0]])
    assert_allclose(block.squares, [[0.625, 0.375], [1.0, 0.0]])
    assert_allclose(block.largest_entropy, [[1.0, numpy.log2(3)], [1.0, 0.0]])
    assert_allclose(block.on_first, [[0.25, 0.5], [1.0, math.nan]])
    assert_allclose(block.entropy[0, 1], 1.5)


def test_what_no_key_answers_is_unknown():
    block = a_block(first=None)
    assert numpy.isnan(block.mass_on(block.same)).all()
    assert numpy.isnan(block.on_first).all()


def test_a_ratio_to_nothing_is_unknown():
    assert_allclose(ratio(numpy.array([1.0, 2.0]), numpy.array([4.0, 0.0])), [0.25, math.nan])


@pytest.mark.parametrize("cells", [1, 40, 10**9])
@pytest.mark.parametrize("window", [None, 1, 3])
def test_as_many_rows_as_make_so_many_cells(cells, window):
    array = numpy.ones((1, 20, 2))
    layer = Layer(array, array, array, Rule(causal=True, window=window))
    rows = rows_of_a_block(layer, cells)
    assert rows >= 1
    assert rows == 1 or rows * min(20, rows + (window or 20) - 1) <= max(cells, 256 * 20)


@pytest.mark.parametrize("texts", [(), (2,)], ids=["one text", "texts below each other"])
@pytest.mark.parametrize("rows", [(0, 6), (2, 5), (5, 6)], ids=str)
@pytest.mark.parametrize("same", [True, False], ids=["all heads see the same", "each sees its own"])
def test_weight_at_a_distance_is_the_weight_on_the_keys_that_are_so_far_behind(texts, rows, same):
    shape = (*texts, 3, rows[1] - rows[0], 6)
    visible = DRAW.random((*texts, 1 if same else 3, *shape[-2:])) < 0.7
    weights = numpy.where(visible, DRAW.random(shape), 0)
    distance = numpy.arange(*rows)[:, None] - numpy.arange(6)
    none = numpy.zeros(distance.shape, dtype=bool)
    block = a_block(
        weights=weights, visible=numpy.broadcast_to(visible, shape), distance=distance, same=none, follows=none
    )
    for far in range(-6, 7):
        expected = numpy.full(shape[:-1], math.nan)
        for row, key in zip(*numpy.nonzero(distance == far), strict=True):
            expected[..., row] = numpy.where(block.visible[..., row, key], weights[..., row, key], math.nan)
        assert_allclose(block.at_distance(far), expected)
        assert_allclose(block.mass_on(distance == far), expected)


def test_a_mask_of_each_text_asks_for_other_keys_of_each():
    weights = DRAW.random((2, 3, 4, 4))
    where = DRAW.random((2, 4, 4)) < 0.4
    block = a_block(weights=weights, visible=numpy.broadcast_to(True, weights.shape), distance=numpy.zeros((4, 4), int))
    expected = numpy.where(where[:, None].any(-1), (weights * where[:, None]).sum(-1), math.nan)
    assert_allclose(block.mass_on(where), expected)


def test_sums_and_largest_weights_are_those_of_the_library_that_computed_them():
    torch = pytest.importorskip("torch")
    block = a_block()
    given = a_block(given=torch.tensor(block.weights))
    assert_allclose(given.mass, block.weights.sum(-1))
    assert_allclose(given.largest, block.weights.max(-1))
    assert_allclose(block.largest, given.largest)
    assert given.even.given is None  # its weights are others
    assert_allclose(given.even.mass, [[1, 1], [1, 0]])
