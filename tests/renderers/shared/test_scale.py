"""The one scale of a picture."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from attnviz import AttnvizError
from attnviz.choices import MapStep
from attnviz.renderers.shared.scale import Scale, beyond, scale_of, with_ends

CELLS = st.one_of(st.just(-math.inf), st.just(0.0), st.floats(0, 1), st.floats(-320, 0).map(lambda power: 10.0**power))


@given(arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=CELLS), st.booleans())
@settings(deadline=None, max_examples=300)
def test_any_weights_have_a_scale_and_a_place_on_it(values, pooled):
    scale = scale_of([values], MapStep.WEIGHTS, pooled)
    assert 0 <= scale.low < scale.high
    assert not scale.decades or scale.low > 0
    assert not scale.decades or scale.high >= values.max() * (1 - 1e-5)
    places = [scale.place(value) for value in sorted(values[values > -math.inf])]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)


@pytest.mark.parametrize("decades", [False, True])
def test_the_ends_of_a_scale_are_its_first_colour_and_its_last(decades):
    scale = Scale(1e-4, 0.1, 0.5, decades=decades)
    assert [scale.place(value) for value in (0.0, 1e-4, 0.1, 0.5)] == [0, 0, 1, 1]
    assert (scale.place(1e-3) == pytest.approx(1 / 3)) == decades


@pytest.mark.parametrize("pooled", [False, True])
def test_a_needle_has_another_colour_than_what_surrounds_it(pooled):
    values = numpy.random.default_rng(0).uniform(5e-6, 2e-5, (200, 100))
    values[100:110], values[100:110, 45] = 1e-12, 1.0
    scale = scale_of([values], MapStep.WEIGHTS, pooled)
    assert (scale.high, scale.place(1.0)) == (1.0, 1.0)
    assert 0.05 < scale.place(1e-5) < 0.5


@pytest.mark.parametrize(
    ("largest", "high"), [(1.0000001, 1.0), (0.123, 0.13), (0.996, 1.0), (3e-5, 3e-5), (9.91e-3, 0.01)]
)
def test_a_scale_by_factors_ends_with_two_digits_that_reach_the_largest(largest, high):
    values = numpy.full((40, 40), largest / 1000)
    values[0, 0] = largest
    scale = scale_of([values], MapStep.WEIGHTS)
    assert (scale.high, scale.above) == (high, False)


@pytest.mark.parametrize(
    ("scale", "above", "below"),
    [
        (Scale(0.0, 0.1, 0.1), False, False),
        (Scale(0.0, 0.1, 0.1000001), False, False),
        (Scale(0.0, 0.1, 0.2), True, False),
        (Scale(1e-3, 0.1, 0.1, decades=True, least=1e-4), False, True),
        (Scale(1e-3, 0.1, 0.1, decades=True, least=1e-3), False, False),
    ],
)
def test_it_knows_whether_values_lie_beyond_its_ends(scale, above, below):
    assert (scale.above, scale.below) == (above, below)


@pytest.mark.parametrize(("value", "text"), [(0.9, "→ 0.90"), (3.21e-9, "→ 3.2e-09"), (0, "→ 0")])
def test_what_lies_beyond_is_said_in_two_digits(value, text):
    assert beyond(value) == text


@pytest.mark.parametrize("step", [MapStep.SCORES, MapStep.SCALED, MapStep.MASKED])
def test_scores_have_two_arms_where_they_have_both_signs(step):
    assert scale_of([numpy.array([[-3.0, 1.0]])], step) == Scale(-3.0, 3.0, 3.0, diverging=True)
    assert scale_of([numpy.array([[2.0, 1.0], [-math.inf, 0.5]])], step) == Scale(0.0, 2.0, 2.0)
    assert scale_of([numpy.array([[-math.inf]])], step) == Scale(0.0, 1.0, 0.0)


def test_a_few_weights_that_tower_leave_the_scale():
    values = numpy.full((1, 1000), 0.001)
    values[0, :3] = 0.02
    assert scale_of([values], MapStep.WEIGHTS) == Scale(0.0, 0.001, 0.02)
    values[0, 0] = 0.9
    assert scale_of([values], MapStep.WEIGHTS).decades


@pytest.mark.parametrize("largest", [1.0, 4e38, 1e300, numpy.finfo(numpy.float64).max])
def test_scores_have_their_place_however_large_they_are(largest):
    scale = scale_of([numpy.array([[-largest, 0.0]])], MapStep.MASKED)
    assert [scale.place(value) for value in (-largest, -largest / 2, 0.0, largest)] == [0, 0.25, 0.5, 1]


WEIGHTS = [numpy.array([[0.1, 0.5], [-math.inf, 0.9]])]
SCORES = [numpy.array([[-2.0, 0.5], [1.0, 3.0]])]


@pytest.mark.parametrize(
    ("step", "maps", "ends", "scale"),
    [
        (MapStep.WEIGHTS, WEIGHTS, (None, None), (0.0, 0.9, False)),
        (MapStep.WEIGHTS, WEIGHTS, (None, 0.5), (0.0, 0.5, False)),
        (MapStep.WEIGHTS, WEIGHTS, (0.2, None), (0.2, 0.9, False)),
        (MapStep.SCORES, SCORES, (None, 5.0), (-5.0, 5.0, True)),
        (MapStep.SCORES, SCORES, (-1.0, None), (-1.0, 1.0, True)),
        (MapStep.SCORES, SCORES, (-1.0, 3.0), (-1.0, 3.0, False)),
    ],
)
def test_the_ends_of_a_scale_may_be_given(step, maps, ends, scale):
    found = with_ends(scale_of(maps, step), maps, *ends)
    assert (found.low, found.high, found.diverging) == scale


def test_what_lies_beyond_given_ends_is_told():
    found = with_ends(scale_of(WEIGHTS, MapStep.WEIGHTS), WEIGHTS, 0.2, 0.5)
    assert (found.above, found.below, found.largest, found.least) == (True, True, 0.9, 0.1)
    inside = with_ends(scale_of(WEIGHTS, MapStep.WEIGHTS), WEIGHTS, 0.0, 1.0)
    assert (inside.above, inside.below) == (False, False)
    hidden = [numpy.full((2, 2), -math.inf)]
    nothing = with_ends(scale_of(hidden, MapStep.WEIGHTS), hidden, 0.0, 1.0)
    assert (nothing.above, nothing.below) == (False, False)


@pytest.mark.parametrize("ends", [(1.0, 0.5), (0.5, 0.5), (None, -1.0)])
def test_ends_that_are_no_scale_are_refused(ends):
    with pytest.raises(AttnvizError, match="the upper end must be above the lower"):
        with_ends(scale_of(WEIGHTS, MapStep.WEIGHTS), WEIGHTS, *ends)
