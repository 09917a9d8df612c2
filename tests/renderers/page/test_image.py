"""The picture that a page holds, and the boxes of its tokens."""

from __future__ import annotations

import base64
import io

import numpy
from pictured import pictured_trace
from PIL import Image

from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.image import SIDE, image_record
from attnviz.renderers.page.packing import Part
from attnviz.trace.selection import select


def parts(trace, form=Form.EXACT):
    return [Part(selected, form) for selected in select(trace).layers]


def test_the_boxes_of_layers_are_held_once():
    held = image_record(Image.new("RGB", (30, 20)), parts(pictured_trace()))["image"]
    assert (held["width"], held["height"]) == (30, 20)
    assert held["layers"] == [[0, 0], [0, 0]]
    assert held["boxes"][0][:3] == [None, [0.0, 0.0, 10.0, 10.0], [10.0, 0.0, 20.0, 10.0]]


def test_cells_of_many_tokens_have_no_boxes():
    held = image_record(Image.new("RGB", (30, 20)), parts(pictured_trace(layers=1), Form.POOLED))["image"]
    assert held["layers"] == [[None, None]]


def test_the_picture_is_there_no_larger_than_a_window_shows():
    picture = Image.fromarray(numpy.full((60, 3000, 3), (200, 30, 30), dtype=numpy.uint8))
    held = image_record(picture, [])["image"]
    content = base64.b64decode(held["address"].removeprefix("data:image/jpeg;base64,"))
    shown = Image.open(io.BytesIO(content))
    assert shown.size == (SIDE, round(60 * SIDE / 3000))
    assert abs(numpy.asarray(shown).astype(int) - (200, 30, 30)).max() < 12
    assert held["width"] == 3000


def test_without_a_picture_a_page_says_nothing_of_one():
    assert image_record(None, parts(pictured_trace())) == {}
