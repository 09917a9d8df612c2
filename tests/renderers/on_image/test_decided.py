"""Whose weights are drawn over a picture, where, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from pictured import grid_boxes, pictured_trace
from PIL import Image

from attnviz import Layer
from attnviz.choices import Language
from attnviz.errors import AttnvizError
from attnviz.renderers.on_image.decided import MOST_FRAMES, Look, Overlay, decide, decide_moving
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select

PICTURE = Image.new("RGB", (30, 20), "teal")


def decided(trace, look=Look(), **options):  # noqa: B008  (immutable)
    return decide(trace, select(trace, **{"layer": ["0"], **options}), PICTURE, Overlay(contours=(0.5, 0.8)), look)


def test_it_is_the_row_of_the_query_on_the_patches():
    trace = pictured_trace()
    drawn = decided(trace, query="15,5")
    weights = [trace.layers[0].steps(head).weights[2] for head in range(2)]
    for panel, row in zip(drawn.panels, weights, strict=True):
        assert numpy.allclose(panel.values[0], row[1:])
    assert numpy.array_equal(drawn.boxes[0], grid_boxes(2, 3, 10.0))
    assert drawn.marked[0].tolist() == [[10, 0, 20, 10]]
    assert drawn.title == "Attention on the image, layer 0, 2 heads, of query r0c1"
    assert drawn.panels[0].title == f"Head 0 · {brief_percent(weights[0][1:].sum())}"
    assert drawn.frame.scale.high == max(row[1:].max() for row in weights)


def test_without_a_query_it_is_cls():
    trace = pictured_trace()
    drawn = decided(trace, head=["1"])
    assert numpy.allclose(drawn.panels[0].values[0], trace.layers[0].steps(1).weights[0, 1:])
    assert drawn.title.endswith("head 1, of query [CLS]")
    assert "of the weight lies on the image · solid line: 50 % of it · dashed line: 80 %" in drawn.frame.subtitle
    assert not len(drawn.marked[0])


def test_without_cls_it_is_the_last_word_or_the_mean_of_all():
    generator = numpy.random.default_rng(0)
    boxes = grid_boxes(2, 3, 10.0)
    alone = Layer(*generator.standard_normal((3, 1, 6, 4)), boxes=boxes)
    trace = replace(pictured_trace(), tokens=tuple(f"r{place // 3}c{place % 3}" for place in range(6)), layers=(alone,))
    drawn = decided(trace)
    assert drawn.title.endswith("mean of 6 queries")
    assert numpy.allclose(drawn.panels[0].values[0], alone.steps(0).weights.mean(axis=0))
    text = Layer(*generator.standard_normal((3, 1, 8, 4)), boxes=grid_boxes(2, 3, 10.0, after=2))
    source = {**trace.source, "ids": [*range(8)]}
    drawn = decided(replace(trace, tokens=(*trace.tokens, "the", "cat"), layers=(text,), source=source))
    assert drawn.title.endswith("of query cat")


def test_several_queries_are_their_mean_and_keys_may_be_some():
    trace = pictured_trace()
    drawn = decided(trace, query="1:4", key="3:6", head=["0"])
    assert numpy.allclose(drawn.panels[0].values[0], trace.layers[0].steps(0).weights[1:4, 3:6].mean(axis=0))
    assert drawn.boxes[0].shape == (3, 4)


def test_the_usual_options_mean_what_they_mean():
    look = Look("My <own> title", lessons(Language.VI), 84.0, (0.0, 0.5), 70)
    drawn = decided(pictured_trace(), look, head=["0"])
    assert drawn.title == "My <own> title"
    assert "trọng số nằm trên hình ảnh" in drawn.frame.subtitle
    assert (drawn.frame.scale.low, drawn.frame.scale.high) == (0.0, 0.5)
    assert drawn.frame.width == pytest.approx(84 / 25.4)
    assert drawn.dpi == 70
    assert decided(pictured_trace(), layer=["0", "1"]).title.startswith("Attention on the image, 4 heads of 2 layers")


def test_a_moving_picture_has_a_frame_for_each_query_on_one_scale():
    trace = pictured_trace()
    drawn = decide_moving(trace, select(trace, layer=["0"], query="1:5"), PICTURE)
    assert [frame.title[-4:] for frame in drawn.frames] == ["r0c0", "r0c1", "r0c2", "r1c0"]
    assert {frame.frame.scale for frame in drawn.frames} == {drawn.frame.scale}
    assert drawn.frame.scale.high == max(panel.values.max() for frame in drawn.frames for panel in frame.panels)
    assert len(decide_moving(trace, select(trace, layer=["0"]), PICTURE).frames) == 7


def test_of_many_queries_some_are_left_out():
    count = 3 * MOST_FRAMES
    layer = Layer(*numpy.random.default_rng(0).standard_normal((3, 1, count, 4)), boxes=grid_boxes(1, count, 1.0))
    source = {"picture": {"width": count, "height": 1}}
    trace = replace(pictured_trace(), tokens=tuple(map(str, range(count))), layers=(layer,), source=source)
    drawn = decide_moving(trace, select(trace), Image.new("RGB", (count, 1)))
    assert len(drawn.frames) == MOST_FRAMES


def test_what_cannot_be_drawn_is_told():
    trace = pictured_trace()
    with pytest.raises(AttnvizError, match="the image has 31 × 20 pixels"):
        decide(trace, select(trace), Image.new("RGB", (31, 20)))
    with pytest.raises(AttnvizError, match="layer 0 looks at no patch"):
        decided(trace, key="cls")
    with pytest.raises(AttnvizError, match="no query shows the pixel 31,5 of the image"):
        decided(trace, query="31,5")
    with pytest.raises(AttnvizError, match="a picture that moves goes from query to query"):
        decide_moving(trace, select(trace, query="cls"), PICTURE)


def test_without_any_weight_on_the_image_there_is_a_scale_all_the_same():
    query = numpy.zeros((1, 7, 2))
    query[..., 0] = 1000.0
    key = numpy.zeros((1, 7, 2))
    key[0, 0, 0] = 1000.0
    trace = pictured_trace()
    trace = replace(trace, layers=(Layer(query, key, key, boxes=trace.layers[0].boxes),))
    drawn = decided(trace)
    assert drawn.frame.scale.high == 1.0
    assert drawn.frame.subtitle.startswith("0 % of the weight lies on the image")
