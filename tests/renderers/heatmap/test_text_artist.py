"""Texts in PNG, SVG and PDF: as they are, where they are meant to be."""

from __future__ import annotations

import io

import numpy
import pytest
from PIL import Image

from attnviz import Layer, Trace
from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.heatmap.picture import decide
from attnviz.trace.selection import select
from tests.support.figures import WORDS, edges_are_white, extents_of, images_of, picture_of, svg_texts, texts_of


@pytest.mark.parametrize(
    "token", ["journey", "$x_1$", "$", "\\alpha", "<b>&amp;", "]]>", "'\"", "x_1^2", "日本", "việc", "{x}", "%d"]
)
@pytest.mark.some(4)
def test_an_svg_holds_every_token_as_the_text_it_is(token):
    array = numpy.eye(3)
    trace = Trace((token, "b", "c"), (Layer(array, array, array),))
    texts = svg_texts(save(draw(decide(trace, select(trace)))[0], "svg"))
    assert texts.count(token) == 2
    assert f"“{token} b c”" in texts


@pytest.mark.parametrize("words", ["short", "long", "deep"])
@pytest.mark.some(2)
def test_the_labels_of_a_png_are_where_they_are_meant_to_be(words):
    picture = picture_of(6, words=WORDS[words])
    figure, _ = draw(picture)
    texts = texts_of(figure)
    pixels = numpy.asarray(Image.open(io.BytesIO(save(figure, "png", 200))).convert("L"))[::-1]  # from below, as boxes
    extents = extents_of(images_of(figure)[0])[0]
    covered = numpy.zeros(pixels.shape, bool)
    for one in texts:
        left, bottom, right, top = (int(place) for place in numpy.round(one.box))
        covered[max(bottom - 4, 0) : top + 4, max(left - 4, 0) : right + 4] = True
        if one.text in picture.queries and right < extents[0]:
            ink = numpy.argwhere(pixels[bottom - 4 : top + 4, left - 4 : right + 4] < 200)
            assert ink.min(0) == pytest.approx((4, 4), abs=4)
            assert ink.max(0) == pytest.approx((top - bottom + 4, right - left + 4), abs=4)
    beside = slice(0, int(extents[0]) - 4)
    assert (pixels[:, beside][~covered[:, beside]] == 255).all()


@pytest.mark.parametrize("dpi", [50, 60, 72, 90, 100, 120, 150, 300])
@pytest.mark.some(3)
def test_a_long_title_and_long_labels_stay_in_a_png_of_any_resolution(dpi):
    title = "A title that is a good deal longer than the picture of four tokens is wide"
    assert edges_are_white(save(draw(picture_of(4, words=WORDS["long"], title=title))[0], "png", dpi))
