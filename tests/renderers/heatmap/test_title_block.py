"""Titles of any length, above pictures of any width."""

from __future__ import annotations

import pytest

from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.heatmap.layout import decide_layout
from attnviz.renderers.heatmap.measures import GAP
from attnviz.renderers.heatmap.title_block import LEAST_WIDTH
from tests.support.figures import any_overlap, boxes_of, picture_of, svg_texts, texts_of


@pytest.mark.parametrize(
    "title", ["$x_1$", "A title that is a good deal longer than the picture of one token is wide", "日本"]
)
def test_a_title_of_ones_own_is_drawn_as_it_is(title):
    picture = picture_of(4, title=title)
    figure, _ = draw(picture)
    assert boxes_of(texts_of(figure))[:, 2].max() <= figure.get_figwidth() * figure.dpi
    assert title in " ".join(svg_texts(save(figure, "svg")))


@pytest.mark.parametrize(("tokens", "heads"), [(3, 1), (20, 1), (60, 4)])
@pytest.mark.some(2)
def test_a_long_line_goes_on_below_itself_instead_of_widening_the_figure(tokens, heads):
    short, long = "Attention", " ".join(f"Attention weights of layer {layer} ·" for layer in range(30))
    picture = picture_of(tokens, heads, title=short)._replace(subtitle=short)
    width = max(draw(picture)[0].get_figwidth(), LEAST_WIDTH + 3 * GAP)
    for name in ("title", "subtitle"):
        figure, _ = draw(picture._replace(**{name: long}))
        assert figure.get_figwidth() <= width
        texts = texts_of(figure)
        lines = [one for one in texts if "layer" in one.text]
        assert " ".join(one.text for one in lines) == long
        assert [one.box[3] for one in lines] == sorted((one.box[3] for one in lines), reverse=True)
        assert not any_overlap(boxes_of(texts))
        assert boxes_of(texts).max(axis=0)[3] <= figure.get_figheight() * figure.dpi


def test_no_word_of_a_title_stands_alone_in_its_last_line():
    title = "Attention weights, layer 0, head 0, causal, 1,024 × 1,024 cells of 128 × 128 tokens, max"
    lines = decide_layout(picture_of(3, title=title)).title.lines
    assert " ".join(lines) == title
    assert len(lines) == 2
    assert max(map(len, lines)) < 1.4 * min(map(len, lines))
    assert lines[0].endswith(",")
