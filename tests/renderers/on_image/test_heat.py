"""The weight at each pixel of a picture."""

from __future__ import annotations

import numpy
import pytest
from pictured import grid_boxes

from attnviz.renderers.on_image.heat import heat, lattice_of


def weights(count):
    return numpy.random.default_rng(1).random(count)


def test_each_patch_has_its_own_weight():
    own = weights(6)
    values = heat(grid_boxes(2, 3, 10.0), own, (30, 20), (20, 30), smooth=False)
    assert numpy.array_equal(values, own.reshape(2, 3).repeat(10, 0).repeat(10, 1))


def test_between_the_middles_it_changes_evenly():
    own = weights(6).reshape(2, 3)
    values = heat(grid_boxes(2, 3, 10.0), own.ravel(), (30, 20), (200, 300), smooth=True)
    assert values[49, 49] == pytest.approx(own[0, 0], abs=0.01)
    assert values[100, 50] == pytest.approx(own[:, 0].mean(), abs=0.01)
    assert values[100, 100] == pytest.approx(own[:2, :2].mean(), abs=0.01)
    assert values[199, 299] == pytest.approx(own[1, 2])


@pytest.mark.parametrize("smooth", [True, False])
def test_where_a_patch_is_missing_nothing_is_drawn(smooth):
    boxes, own = numpy.delete(grid_boxes(2, 3, 10.0), 4, axis=0), weights(5)
    values = heat(boxes, own, (30, 20), (20, 30), smooth)
    assert numpy.isnan(values[10:, 10:20]).all()
    assert numpy.isnan(values).sum() == 100
    assert values[15, 0] == own[3]


def test_what_is_cropped_is_not_drawn():
    boxes = grid_boxes(2, 2, 10.0) + 5
    values = heat(boxes, weights(4), (30, 30), (30, 30), smooth=True)
    assert (~numpy.isnan(values)).sum() == 400
    assert not numpy.isnan(values[5, 5])
    assert numpy.isnan(values[4, 5])


def test_boxes_over_each_other_are_added_by_area():
    boxes = numpy.array(
        [[0, 0, 20, 20], [0, 0, 10, 10], [10, 0, 20, 10], [0, 10, 10, 20], [10, 10, 20, 20]], dtype=float
    )
    assert lattice_of(boxes) is None
    values = heat(boxes, numpy.array([0.4, 0.1, 0.2, 0.3, 0.0]), (24, 20), (20, 24), smooth=True)
    assert values[0, 0] == pytest.approx(0.4 / 4 + 0.1)
    assert values[19, 19] == pytest.approx(0.1)
    assert numpy.isnan(values[0, 21])
    assert numpy.nansum(values) / 100 == pytest.approx(1.0)  # no weight is lost or made


@pytest.mark.parametrize(
    "boxes",
    [[[0, 0, 5, 5], [0, 0, 5, 5]], [[0, 0, 5, 5], [5, 0, 11, 5], [5, 5, 10, 10]], [[0, 0, 6, 5], [5, 0, 10, 5]]],
)
def test_what_is_no_lattice_is_not_taken_for_one(boxes):
    assert lattice_of(numpy.array(boxes, dtype=float)) is None
