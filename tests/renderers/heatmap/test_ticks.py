"""Round numbers on a scale."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz.renderers.heatmap.ticks import ticks
from attnviz.renderers.shared.scale import Scale


@given(powers=st.tuples(st.floats(-12, -0.4), st.floats(0.4, 12)), most=st.integers(2, 40))
@settings(deadline=None)
def test_ticks_of_a_scale_by_factors_are_its_ends_and_what_has_room_between(powers, most):
    low, high = 10 ** powers[0] / 1e3, 10 ** powers[1] / 1e3
    scale = Scale(low, high, high, decades=True)
    found = ticks(scale, most)
    places = [scale.place(tick) for tick in found]
    assert (places[0], places[-1]) == (0, 1)
    assert min(after - before for before, after in itertools.pairwise(places)) >= min(0.7 / most, 1)
    assert len(found) <= 1.5 * most + 1


@given(high=st.floats(1e-6, 1e6), least=st.floats(0, 1), most=st.integers(2, 12))
@settings(deadline=None)
def test_ticks_of_equal_steps_are_round_and_lie_on_the_scale(high, least, most):
    scale = Scale(-high * least, high, high)
    found = ticks(scale, most)
    assert 1 <= len(found) <= min(most, 6) + 1
    slack = (scale.high - scale.low) * 1e-5
    assert all(scale.low - slack <= tick <= scale.high + slack for tick in found)
    apart = {round((after - before) / (found[-1] - found[0]), 6) for before, after in itertools.pairwise(found)}
    assert len(apart) <= 1 or max(apart) - min(apart) < 1e-5


@given(high=st.floats(1e148, 1.7976931348623157e308), most=st.integers(3, 12))
@settings(deadline=None)
def test_ticks_of_huge_scores_are_finite_and_lie_on_the_scale(high, most):
    found = ticks(Scale(-high, high, high, diverging=True), most)
    assert 3 <= len(found) <= 7
    assert all(-high * 1.001 <= tick <= high * 1.001 for tick in found)
    assert 0.0 in found
