"""What is read of a picture through all layers: each patch has its share, wherever it stands."""

import numpy
import pytest
from pictured import pictured_trace
from PIL import Image

from attnviz import AttnvizError
from attnviz.analysis.across.following import Following, shares
from attnviz.choices import Across
from attnviz.renderers.on_image.across import decide_across_image
from attnviz.renderers.on_image.decided import Look, Overlay
from attnviz.trace.selection import select

TRACE, IMAGE = pictured_trace(), Image.new("RGB", (30, 20))


def decided(following=Following(), overlay=Overlay(), look=Look(), trace=TRACE, **chosen):  # noqa: B008  (immutable)
    return decide_across_image(following, trace, select(trace, **chosen), IMAGE, overlay, look)


def values(picture):
    [panel] = picture.panels
    return panel.values[0]


def test_each_patch_has_its_share_of_what_cls_reads():
    picture = decided()
    found = shares(TRACE, select(TRACE, query="[CLS]").as_region(), Following())
    assert (values(picture) == found.values[1:]).all()
    assert (picture.boxes[0] == TRACE.layers[0].boxes[1:]).all()
    assert picture.title == "Attention rollout, layers 1 to 0, mean of 2 heads, residual 0.5, of query [CLS]"
    assert picture.frame.subtitle.startswith(f"{100 * values(picture).sum():.0f} % of it lies on the image · ")


def test_a_pixel_is_a_query_and_is_marked():
    picture = decided(query="25,15")
    assert picture.marked[0].tolist() == [[20, 10, 30, 20]]
    found = shares(TRACE, select(TRACE, query="@6").as_region(), Following())
    assert (values(picture) == found.values[1:]).all()


def test_several_queries_are_a_mean_and_none_is_marked():
    picture = decided(Following(Across.FLOW), query="1:4")
    assert picture.title.endswith("mean of 3 queries")
    assert "flows exact to" in picture.frame.subtitle
    assert picture.marked[0].shape == (0, 4)


def test_only_the_keys_that_are_asked_for_are_tinted():
    picture = decided(key="2:4")
    assert (values(picture) == values(decided())[1:3]).all()
    assert "other tokens, not shown: " in picture.frame.subtitle


def test_lines_and_a_title_are_said():
    picture = decided(overlay=Overlay(contours=(0.5, 0.8)), look=Look(title="Mine", ends=(0.0, 0.5), width=90.0))
    assert picture.title == "Mine"
    assert "solid line: 50 % of it · dashed line: 80 %" in picture.frame.subtitle
    assert picture.frame.scale.high == 0.5
    assert numpy.isclose(picture.frame.width, 90 / 25.4)


def test_words_of_a_text_read_the_picture_too():
    trace = pictured_trace(words=("a", "cat"))
    picture = decided(trace=trace, query="cat")
    assert values(picture).shape == (6,)
    assert picture.marked[0].shape == (0, 4)


def test_another_picture_is_refused():
    with pytest.raises(AttnvizError, match="and the one that was read 30 × 20"):
        decide_across_image(Following(), TRACE, select(TRACE), Image.new("RGB", (20, 30)))
