"""A recipe computes what torch does, of all rows and of some."""

from __future__ import annotations

from itertools import combinations

import numpy
import pytest
import torch
from diagnosed import RICH, evidence_of
from planted_attention import attention, problem

from attnviz.analysis.diagnosis.computing import CAPS, computed, rounded
from attnviz.analysis.diagnosis.recipe import Hiding, Moved, Rounded, View


def recipes():
    for options in RICH:
        meant = problem(numpy.random.default_rng(3), torch.float64, **options)
        yield evidence_of(meant, attention(meant)), attention(meant).numpy()


def test_what_was_meant_is_what_torch_computes():
    for evidence, right in recipes():
        numpy.testing.assert_allclose(computed(evidence.meant).output, right, atol=1e-12)


def test_some_rows_are_the_same_as_in_the_whole():
    for evidence, right in recipes():
        view = View(numpy.array([0]), numpy.array([0, 1]), numpy.array([0, 2, 5]))
        numpy.testing.assert_allclose(
            computed(evidence.meant, view).output, right[:1, [0, 1]][:, :, [0, 2, 5]], atol=1e-12
        )


@pytest.mark.parametrize("over", ["queries", "heads", "items"])
def test_softmax_over_another_axis_adds_up_to_one_along_it(over):
    evidence, _ = next(recipes())
    view = View(numpy.array([0]), numpy.array([1]), numpy.array([2, 3]))
    recipe = evidence.meant.but(over=over, mask=None, band=evidence.meant.band.__class__(numpy.inf, numpy.inf, 0))
    whole = computed(recipe).weights
    axis = {"items": 0, "heads": 1, "queries": 2}[over]
    numpy.testing.assert_allclose(whole.sum(axis), 1)
    numpy.testing.assert_allclose(computed(recipe, view).weights, whole[:1, 1:2, 2:4])


def test_weights_that_are_moved_are_moved_before_the_values():
    evidence, _ = next(recipes())
    twice = computed(evidence.meant.but(move=Moved("heads", lambda weights: 2 * weights))).output
    numpy.testing.assert_allclose(twice, 2 * computed(evidence.meant).output)


@pytest.mark.parametrize(
    ("hiding", "largest"), [(Hiding(after=True), 0.0), (Hiding(fill=-1e9), 1e-9), (Hiding(plus=-1e9), 1e-9)]
)
def test_hidden_cells_have_no_weight_however_they_are_hidden(hiding, largest):
    evidence, _ = next(recipes())
    recipe = evidence.meant.but(hiding=hiding, softcap=None)
    hidden = ~numpy.broadcast_to(recipe.seen, computed(recipe).weights.shape)
    assert computed(recipe).weights[hidden].max() <= largest


def test_rounding_is_that_of_torch():
    numbers = torch.randn(200, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    numpy.testing.assert_array_equal(rounded(numbers.numpy(), 8), numbers.bfloat16().double().numpy())
    numpy.testing.assert_array_equal(rounded(numbers.numpy(), None), numbers.numpy())


def test_weights_are_rounded_where_a_recipe_says_so():
    evidence, _ = next(recipes())
    weights = computed(evidence.meant.but(rounded=Rounded(weights=8))).weights
    numpy.testing.assert_array_equal(weights, rounded(weights, 8))


def test_bands_and_masks_hide_alone_and_together():
    evidence, _ = next(recipes())
    meant = evidence.meant.but(bias=None, sinks=None, softcap=None)
    for part in (Hiding(fill=0.0, mask=True, band=False), Hiding(fill=0.0, mask=False, band=True)):
        assert computed(meant.but(hiding=part)).weights.astype(bool).sum() > computed(meant).weights.astype(bool).sum()
    assert (computed(meant.but(either=True)).weights > 0).sum() > (computed(meant).weights > 0).sum()


def test_a_row_that_sees_nothing_becomes_what_is_said():
    evidence, _ = next(recipes())
    meant = evidence.meant.but(lost=numpy.ones((1, 1, 1, 1), bool))
    assert not computed(meant).output.any()
    assert numpy.isnan(computed(meant.but(blind=numpy.nan)).output).all()
    mean = computed(meant.but(blind=None))
    numpy.testing.assert_allclose(mean.weights, 1 / meant.keys)


def test_every_way_to_cap_is_told_apart():
    evidence, _ = next(recipes())
    outputs = [computed(evidence.meant.but(cap_at=way)).output for way in (*CAPS, "masked")]
    assert all(abs(one - other).max() > 1e-6 for one, other in combinations(outputs, 2))
