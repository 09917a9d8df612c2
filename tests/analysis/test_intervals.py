"""Wilson's interval: published values, and what defines it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz.analysis.intervals import NORMAL, share_of


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17, table I, method 3: the score method without continuity correction
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_intervals_that_were_published(right, count, low, high):
    assert share_of(right / count, count).interval == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@settings(max_examples=50)
@given(st.integers(1, 5000), st.data())
def test_each_end_is_as_far_from_the_share_as_chance_leads_in_95_of_100_cases(count, data):
    """The interval's ends are the probabilities p with |share − p| = z √(p (1 − p) / n), from which Wilson derived it."""
    value = data.draw(st.integers(0, count)) / count
    found = share_of(value, count)
    for end in found.interval:
        away = abs(value - end)
        assert away == pytest.approx(NORMAL * math.sqrt(end * (1 - end) / count), abs=1e-9)
    assert 0 <= found.interval[0] <= value <= found.interval[1] <= 1


def test_the_deviation_is_that_of_95_of_100():
    assert math.erf(NORMAL / math.sqrt(2)) == pytest.approx(0.95, abs=1e-12)
