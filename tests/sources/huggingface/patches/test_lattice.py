"""Patches that were cut out one by one: their rows and columns, from their places alone."""

from __future__ import annotations

import numpy
import pytest

from attnviz.sources.huggingface.patches.lattice import lattice


def cut(size, count, order, pixels=14):
    """The places of the numbers of patches in this order, as ramps tell them, rounded to levels."""
    step = size / count
    inside = (numpy.arange(pixels) + 0.5) / pixels
    places = numpy.array([(number + inside) * step for number in order])
    return numpy.round(places * 255 / size) * size / 255


@pytest.mark.parametrize("size", [90, 640, 3000])
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 0, 0, 2, 1, 1], [0, 2, 3, 5, 9]])
def test_each_patch_is_found_in_its_row(size, order):
    places = cut(size, max(order) + 1, order)
    numbers, begins, ends = lattice(places, numpy.ones_like(places, dtype=bool), size)
    step = size / (max(order) + 1)
    assert numbers.tolist() == order
    assert numpy.allclose(begins, numpy.array(order) * step, atol=1e-6 + 0.001 * size)
    assert numpy.allclose(ends - begins, step, atol=1e-6 + 0.001 * size)


def test_one_row_is_the_whole_side():
    places = cut(300, 1, [0, 0])
    numbers, begins, ends = lattice(places, numpy.ones_like(places, dtype=bool), 300)
    assert (numbers.tolist(), begins.tolist(), ends.tolist()) == ([0, 0], [0.0, 0.0], [300.0, 300.0])


def test_one_row_of_a_part_is_as_wide_as_it_is_seen():
    places = cut(300, 3, [1])
    _, begins, ends = lattice(places, numpy.ones_like(places, dtype=bool), 300)
    assert begins == pytest.approx(100, abs=3)
    assert ends == pytest.approx(200, abs=3)


def test_two_rows_are_as_far_apart_as_they_are():
    places = cut(200, 2, [1, 0])
    numbers, begins, _ = lattice(places, numpy.ones_like(places, dtype=bool), 200)
    assert numbers.tolist() == [1, 0]
    assert begins == pytest.approx([100, 0], abs=2)


def test_patches_without_an_extent_or_an_order_have_no_lattice():
    points = numpy.full((4, 5), 7.0)
    assert lattice(points, numpy.ones_like(points, dtype=bool), 30) is None
    wild = cut(300, 30, [0, 1, 3, 4, 5]) + numpy.array([[0], [0], [0], [4], [17]])
    assert lattice(wild, numpy.ones_like(wild, dtype=bool), 300) is None
