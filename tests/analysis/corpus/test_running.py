"""Counts, means and deviations, value by value or merged: those of all values together."""

from __future__ import annotations

from itertools import pairwise

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from attnviz.analysis.corpus import Running


def running(rows: numpy.ndarray) -> Running:
    found = Running(rows.shape[1:])
    for row in rows:
        found = found.plus(row)
    return found


def made(shift: float = 0.0) -> numpy.ndarray:
    values = numpy.random.default_rng(0).normal(shift, 1, size=(50, 4))
    values[::3, 1] = numpy.nan
    values[:, 2] = numpy.nan
    values[1:, 3] = numpy.nan
    return values


def test_running_numbers_are_those_of_all_values_together():
    values = made(1e6)
    found = running(values)
    assert found.count.tolist() == [50, 33, 0, 1]
    assert_allclose(found.mean[[0, 1, 3]], numpy.nanmean(values[:, [0, 1, 3]], axis=0), rtol=1e-12)
    assert_allclose(found.deviation[:2], numpy.nanstd(values[:, :2], axis=0, ddof=1), rtol=1e-6)
    assert numpy.isnan(found.mean[2])
    assert numpy.isnan(found.deviation[2:]).all()


@given(st.permutations(range(50)), st.lists(st.integers(0, 50), max_size=6), st.randoms(use_true_random=False))
def test_parts_merged_in_any_order_and_grouping_are_the_whole(order, cuts, random):
    values = made()[list(order)]
    ends = [0, *sorted(cuts), 50]
    parts = [running(values[begin:end]) for begin, end in pairwise(ends)]
    while len(parts) > 1:
        one = parts.pop(random.randrange(len(parts)))
        place = random.randrange(len(parts))
        parts[place] = parts[place].merged(one)
    assert parts[0].count.tolist() == [50, 33, 0, 1]
    assert_allclose(parts[0].mean[[0, 1, 3]], numpy.nanmean(values[:, [0, 1, 3]], axis=0), rtol=1e-12, atol=1e-14)
    assert_allclose(parts[0].deviation[:2], numpy.nanstd(values[:, :2], axis=0, ddof=1), rtol=1e-12)


@pytest.mark.parametrize("empty_first", [True, False])
def test_nothing_changes_nothing(empty_first):
    whole, empty = running(made()), Running((4,))
    both = empty.merged(whole) if empty_first else whole.merged(empty)
    for part in ("count", "means", "squares"):
        assert getattr(both, part).tolist() == getattr(whole, part).tolist()


def test_parts_beside_each_other_are_one_and_come_apart_again():
    values = made()
    parts = [running(values[:, :1]), running(values[:, 1:])]
    both = Running.beside(parts)
    for name in ("count", "means", "squares"):
        assert getattr(both, name).tolist() == getattr(running(values), name).tolist()
        assert getattr(both.part(slice(1, 4)), name).tolist() == getattr(parts[1], name).tolist()
