"""The line of places along a side: exact where sizes are whole, and none where there is no line."""

from __future__ import annotations

import numpy
import pytest
from PIL import Image

from attnviz.sources.huggingface.patches.axis import Axis, fitted
from attnviz.sources.huggingface.patches.ramps import coordinate_pictures, decoded


def resized(size, to, crop, how):
    """The places along the width that resizing and cropping leave, as a processor does it."""
    pictures = [one.resize((to, 8), how).crop((crop[0], 0, crop[1], 8)) for one in coordinate_pictures(size, 8)]
    return decoded([numpy.asarray(one) for one in pictures], (size, 8)).across.mean(axis=(0, 2))


@pytest.mark.parametrize(
    "how", [Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]
)
@pytest.mark.parametrize(
    ("size", "to", "crop"),
    [(640, 224, (0, 224)), (640, 256, (16, 240)), (97, 224, (0, 224)), (3000, 341, (58, 282)), (640, 640, (208, 432))],
)
def test_it_is_exact_where_a_processor_resizes_and_crops(size, to, crop, how):
    places = resized(size, to, crop, how)
    axis = fitted(numpy.arange(len(places)) + 0.5, places, size)
    assert axis == pytest.approx((crop[0] * size / to, size / to), rel=1e-9)
    assert axis.at(to - crop[0]) == pytest.approx(size)


def test_what_is_on_no_line_has_none():
    positions = numpy.arange(20) + 0.5
    assert fitted(positions, 300 * numpy.linspace(0, 1, 20) ** 3, 300) is None
    assert fitted(positions, 300 - 15 * positions, 300) is None
    assert fitted(positions[:1], positions[:1], 300) is None


def test_a_line_that_is_not_of_whole_pixels_stays_as_it_is_measured():
    positions = numpy.arange(30) + 0.5
    loose = fitted(positions, 2.0 + 3.37 * positions, 110)
    assert loose == pytest.approx((2.0, 3.37), rel=1e-6)
    shifted = fitted(positions, 1.5 + 3.0 * positions, 120)
    assert shifted == pytest.approx((1.5, 3.0), rel=1e-6)
    assert Axis(1.0, 2.0).at(3) == 7.0
