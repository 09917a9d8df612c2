"""The line around the smallest part of a picture that holds a share of the weight."""

from __future__ import annotations

import numpy
import pytest

from attnviz.renderers.on_image.contour import contour, level_of


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.99])
def test_the_pixels_above_the_level_hold_the_share_and_no_fewer_would(share):
    values = numpy.random.default_rng(2).random((40, 50)) ** 3
    values[:, :5] = numpy.nan
    level = level_of(values, share)
    total = numpy.nansum(values)
    assert values[values >= level].sum() >= share * total
    assert values[values > level].sum() < share * total


def test_a_line_goes_around_what_is_bright():
    values = numpy.zeros((40, 60))
    values[10:20, 30:45] = 1.0
    [line] = contour(values, 0.5)
    assert line.min(axis=0) == pytest.approx((30 / 60, 10 / 40), abs=0.02)
    assert line.max(axis=0) == pytest.approx((45 / 60, 20 / 40), abs=0.02)


def test_no_line_runs_along_the_edge_of_the_picture():
    values = numpy.ones((20, 20))
    values[:, 10:] = 0.0
    [line] = contour(values, 0.9)
    assert numpy.abs(line[:, 0] - 0.5).max() < 0.03
    assert sorted({0.0, 1.0} & set(line[:, 1])) == [0.0, 1.0]


def test_without_any_weight_there_is_no_line():
    assert contour(numpy.zeros((4, 4)), 0.5) == []
    assert level_of(numpy.full((2, 2), numpy.nan), 0.5) == 0.0
