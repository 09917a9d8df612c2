"""The pixels that are drawn."""

from __future__ import annotations

import matplotlib
import numpy
from matplotlib.colors import Normalize
from pictured import pictured_trace
from PIL import Image

from attnviz.renderers.on_image.decided import Overlay, decide
from attnviz.renderers.on_image.raster import resized, tinted, weight_map
from attnviz.trace.selection import select


def test_a_picture_keeps_its_shape():
    assert resized(Image.new("RGB", (300, 100)), 60).shape == (20, 60, 3)
    assert resized(Image.new("RGB", (10, 30)), 60).shape == (60, 20, 3)
    assert resized(Image.new("RGB", (1000, 1)), 10).shape == (1, 10, 3)


def test_the_colours_lie_over_grey_and_what_is_not_seen_is_pale():
    base = numpy.full((1, 3, 3), (200, 40, 40), dtype=numpy.uint8)
    values = numpy.array([[0.0, 1.0, numpy.nan]])
    map_, norm = matplotlib.colormaps["viridis"], Normalize(0, 1)
    shown = tinted(base, values, map_, norm, 1.0)[0]
    assert numpy.abs(shown[0] / 255 - map_(0.0)[:3]).max() < 0.01
    assert numpy.abs(shown[1] / 255 - map_(1.0)[:3]).max() < 0.01
    assert len(set(shown[2])) == 1
    assert shown[2][0] > 150
    bare = tinted(base, values, map_, norm, 0.0)[0]
    assert len(set(bare[0])) == 1


def test_a_panel_has_its_weights_where_its_patches_are():
    trace = pictured_trace()
    picture = decide(trace, select(trace, layer=["0"]), Image.new("RGB", (30, 20)), Overlay(smooth=False))
    assert weight_map(picture, 1, (20, 30, 3))[15, 25] == picture.panels[1].values[0, 5]
