"""The panels: alike, near a square, their cells square."""

from __future__ import annotations

import numpy
import pytest

from attnviz.renderers.heatmap.figure import draw
from tests.support.figures import any_overlap, extents_of, images_of, picture_of


def test_panels_are_alike_in_size_and_lie_on_nothing():
    extents = extents_of(images_of(draw(picture_of(5, 12))[0])[0])
    assert numpy.ptp(extents[:, 2] - extents[:, 0]) == pytest.approx(0)
    assert not any_overlap(extents)
    order = sorted(range(12), key=lambda place: (-extents[place, 1].round(), extents[place, 0].round()))
    assert order == list(range(12))


@pytest.mark.parametrize(("queries", "keys"), [(3, 9), (9, 3), (1, 40), (40, 1)])
def test_cells_are_square_in_a_rectangle_of_cross_attention(queries, keys):
    (extents,) = extents_of(images_of(draw(picture_of(queries, keys=keys))[0])[0])
    assert (extents[2] - extents[0]) / (extents[3] - extents[1]) == pytest.approx(keys / queries)
