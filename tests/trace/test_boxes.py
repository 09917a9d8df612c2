"""Boxes of tokens in a picture: what is held, what is refused, and which token shows a pixel."""

from __future__ import annotations

import numpy
import pytest
from pictured import grid_boxes, pictured_trace

from attnviz import Layer, load
from attnviz.errors import AttnvizError
from attnviz.trace.boxes import boxes_of_queries, picture_size, tokens_at

NAN = float("nan")
VECTORS = numpy.ones((3, 1, 2, 2))


def layer(boxes, **more):
    return Layer(*VECTORS, boxes=boxes, **more)


def test_a_saved_trace_keeps_them(tmp_path):
    trace = pictured_trace()
    trace.save(tmp_path / "t.safetensors")
    read = load(tmp_path / "t.safetensors")
    assert numpy.array_equal(read.layers[1].boxes, trace.layers[1].boxes, equal_nan=True)
    assert read.layers[1].query_boxes is None
    assert picture_size(read.source) == (30, 20)


def test_half_precision_shifts_no_box():
    moved = pictured_trace().to("numpy", dtype="float16")
    assert moved.layers[0].query.dtype == numpy.float16
    assert moved.layers[0].boxes.dtype == numpy.float32


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[0, 0, 1, 1]], r"boxes have the shape \(1, 4\): expected \(2, 4\)"),
        ([[0, 0, 1], [0, 0, 1]], r"boxes have the shape \(2, 3\)"),
        ([["a"] * 4] * 2, "boxes hold what is no number"),
        ([[0, 0, 1, 1], [3, 0, 3, 1]], "a box that has no area"),
        ([[0, 0, 1, 1], [-1, 0, 3, 1]], "lies outside the image"),
        ([[0, 0, 1, 1], [0, 0, float("inf"), 1]], "lies outside the image"),
    ],
)
def test_what_is_no_box_is_refused(boxes, message):
    with pytest.raises(AttnvizError, match=message):
        layer(boxes)


def test_a_box_with_a_number_missing_is_none():
    assert numpy.isnan(layer([[0, 0, 1, 1], [0, NAN, 1, 1]]).boxes[1]).all()


def test_queries_have_the_boxes_of_the_keys_unless_they_are_others():
    boxes = [[0, 0, 1, 1], [1, 0, 2, 1]]
    assert boxes_of_queries(layer(boxes)) is not None
    assert boxes_of_queries(layer(boxes, kind="cross")) is None
    assert boxes_of_queries(layer(boxes, kind="cross", query_boxes=boxes)).tolist() == boxes


@pytest.mark.parametrize(
    ("x", "y", "places"),
    [(0, 0, [1]), (9, 9, [1]), (10, 0, [2]), (9.99, 0, [1]), (29, 19, [6]), (30, 0, []), (0, 20, [])],
)
def test_a_pixel_is_shown_by_the_token_whose_box_holds_it(x, y, places):
    assert tokens_at(grid_boxes(2, 3, 10.0, before=1), x, y) == places


def test_of_boxes_that_lie_over_each_other_the_nearest_middle_comes_first():
    boxes = [[0, 0, 40, 40], [0, 0, 10, 10], [NAN] * 4]
    assert tokens_at(boxes, 4, 4) == [1, 0]


@pytest.mark.parametrize(
    "said",
    [
        None,
        3,
        {},
        {"width": 3},
        {"width": -3, "height": 2},
        {"width": "3", "height": 2},
        {"width": 1 << 40, "height": 2},
    ],
)
def test_a_size_that_is_none_is_not_taken_for_one(said):
    assert picture_size({"picture": said}) is None
