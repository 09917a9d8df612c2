"""Cells, and hatched cells."""

from __future__ import annotations

import io
import math

import numpy
import pytest
from matplotlib.patches import Patch
from PIL import Image

from attnviz.renderers.heatmap.figure import draw, save
from tests.support.figures import extents_of, images_of, picture_of, texts_of


@pytest.mark.parametrize("heads", [1, 4])
def test_hidden_cells_are_hatched_and_named_and_only_where_there_are_any(heads):
    for causal in (False, True):
        figure, _ = draw(picture_of(4, heads, causal=causal))
        hatched = [patch for patch in figure.findobj(Patch) if patch.get_hatch()]
        assert len(hatched) == (heads + 1 if causal else 0)
        assert ("hidden" in [one.text for one in texts_of(figure)]) == causal


def test_the_hatched_cells_are_those_that_are_hidden():
    hidden = numpy.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]], bool)
    panel = picture_of(4).panels[0]
    picture = picture_of(4)._replace(panels=(panel._replace(values=numpy.where(hidden, -math.inf, panel.values)),))
    figure, _ = draw(picture._replace(hidden=True))
    left, bottom, right, top = extents_of(images_of(figure)[0])[0]
    patch = max((one for one in figure.findobj(Patch) if one.get_hatch()), key=lambda one: one.get_extents().width)
    path = patch.get_path().transformed(patch.get_patch_transform() + figure.dpi_scale_trans)
    for row, column in numpy.ndindex(4, 4):
        middle = left + (column + 0.5) * (right - left) / 4, top - (row + 0.5) * (top - bottom) / 4
        inside = any(
            numpy.prod(polygon.min(0) <= middle) * numpy.prod(middle <= polygon.max(0))
            for polygon in path.to_polygons()
        )
        assert bool(inside) == hidden[row, column]


def test_the_cells_of_a_png_have_their_colours():
    picture = picture_of(4, causal=True)
    figure, _ = draw(picture, annotate=False)
    (image,) = images_of(figure)[0]
    left, bottom, right, top = image.get_window_extent().extents
    pixels = numpy.asarray(Image.open(io.BytesIO(save(figure, "png", 100))).convert("RGB"))[::-1]
    for row, column in ((0, 0), (1, 0), (3, 1), (3, 3)):
        x, y = left + (column + 0.5) * (right - left) / 4, top - (row + 0.5) * (top - bottom) / 4
        expected = image.get_cmap()(image.norm(picture.panels[0].values[row, column]), bytes=True)[:3]
        assert numpy.abs(pixels[int(y), int(x)].astype(int) - expected).max() <= 1
