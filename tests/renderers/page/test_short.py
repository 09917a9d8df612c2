"""Numbers in 16 bits: no further off than half a step of their dimension."""

from __future__ import annotations

import numpy
import pytest

from attnviz.renderers.page.short import STEPS, shortened


def test_no_number_is_off_by_more_than_half_a_step():
    array = numpy.random.default_rng(0).standard_normal((3, 200, 8)) * numpy.logspace(-3, 3, 8) + 5
    short = shortened(array)
    spread = array.max(axis=1, keepdims=True) - array.min(axis=1, keepdims=True)
    most = spread / STEPS / 2 + numpy.abs(array).max(axis=1, keepdims=True) * 2.0**-23
    assert (numpy.abs(short.numbers - array) <= most).all()
    assert (short.levels.dtype, short.levels.min(), short.levels.max()) == (numpy.uint16, 0, STEPS)


def test_a_dimension_of_one_number_stays_what_it_is():
    array = numpy.full((1, 4, 2), 0.5)
    assert (shortened(array).numbers == array).all()
    assert shortened(array[:, :1]).numbers.tolist() == [[[0.5, 0.5]]]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e-36, 1e-40, 1e-44])
def test_tiny_dimensions_overflow_nothing(size):
    array = numpy.random.default_rng(2).standard_normal((1, 200, 3)).astype("float32")
    array[..., 1] *= size
    off = numpy.abs(shortened(array).numbers - array).max(axis=(0, 1))
    assert off[1] <= max(size * 1e-3, 6 * size if size < 1e-39 else 0)
    assert off[0] < 1e-4


def test_large_dimensions_take_nothing_from_small_ones():
    """What half precision cannot: an outlier of one dimension leaves the others as fine as they are."""
    array = numpy.random.default_rng(1).standard_normal((1, 300, 4)).astype("float32")
    array[..., 3] += 60
    short = numpy.abs(shortened(array).numbers - array).max(axis=(0, 1))
    half = numpy.abs(array.astype("float16") - array).max(axis=(0, 1))
    assert (short * 5 < half).all()


def test_both_ends_are_held_together():
    short = shortened(numpy.arange(12.0).reshape(2, 3, 2))
    named = short.named("key")
    assert (named["key"] == short.levels).all()
    assert named["keyEnds"].tolist() == [[[0, 1], [6, 7]], (short.step[:, 0]).tolist()]
