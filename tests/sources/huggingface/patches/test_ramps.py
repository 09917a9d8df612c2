"""Pictures of coordinates tell where numbers come from, whatever is done to their colours."""

from __future__ import annotations

import numpy
import pytest

from attnviz.sources.huggingface.patches.ramps import coordinate_pictures, decoded


@pytest.mark.parametrize("size", [(7, 5), (300, 40), (1, 900)])
def test_each_pixel_tells_its_own_place(size):
    pictures = [numpy.asarray(one) for one in coordinate_pictures(*size)]
    found = decoded(pictures, size)
    y, x = numpy.indices(size[::-1]) + 0.5
    assert found.known.all()
    assert numpy.abs(found.across - x[..., None]).max() <= 0.5 * size[0] / 255 + 1e-9
    assert numpy.abs(found.down - y[..., None]).max() <= 0.5 * size[1] / 255 + 1e-9


def test_neither_the_order_of_colours_nor_their_scale_matters():
    pictures = [numpy.asarray(one).astype(float) for one in coordinate_pictures(40, 30)]
    plain = decoded(pictures, (40, 30))
    changed = decoded([(5 - one[..., ::-1]) * (0.1, 0.2, -0.3) for one in pictures], (40, 30))
    assert numpy.allclose(plain.across, changed.across, atol=1e-9)
    assert numpy.allclose(plain.down, changed.down, atol=1e-9)


def test_what_a_processor_puts_around_is_not_known():
    padded = [
        numpy.pad(numpy.asarray(one), ((2, 0), (0, 3), (0, 0)), constant_values=77) for one in coordinate_pictures(8, 6)
    ]
    known = decoded(padded, (8, 6)).known
    assert not known[:2].any()
    assert not known[:, 8:].any()
    assert known[2:, :8].all()
