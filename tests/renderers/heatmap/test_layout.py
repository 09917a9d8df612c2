"""Nothing of a figure lies on anything else, or leaves it."""

from __future__ import annotations

import itertools
import re

import numpy
import pytest

from attnviz.choices import MapStep
from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.shared.scale import Scale
from tests.support.figures import (
    WORDS,
    boxes_of,
    edges_are_white,
    extents_of,
    images_of,
    overlaps,
    picture_of,
    texts_of,
)

SIZES = pytest.mark.parametrize(("tokens", "heads"), [*itertools.product([1, 3, 12, 64, 200], [1, 4, 12])])


@SIZES
@pytest.mark.some(5)
def test_no_text_lies_on_another_or_leaves_the_figure(tokens, heads):
    for causal, step in ((False, MapStep.WEIGHTS), (True, MapStep.WEIGHTS), (True, MapStep.MASKED)):
        figure, _ = draw(picture_of(tokens, heads, causal=causal, step=step))
        texts = texts_of(figure)
        boxes = boxes_of(texts)
        width, height = figure.get_size_inches() * figure.dpi
        outside = (boxes[:, :2] < 0).any(axis=1) | (boxes[:, 2] > width) | (boxes[:, 3] > height)
        assert [texts[place].text for place in numpy.flatnonzero(outside)] == []
        pairs = numpy.argwhere(numpy.triu(overlaps(boxes, boxes), 1))
        assert [(texts[a].text, texts[b].text) for a, b in pairs] == []


# A quarter of them, each value among them, take three seconds of the quick tests; the others are slow.
TINY = [
    pytest.param(heads, title, words, marks=[] if (long, wide) == (place % 2, place // 2 % 2) else [pytest.mark.slow])
    for place, heads in enumerate([1, 2, 3, 4, 8, 16])
    for long, title in enumerate(["Head 12 · kv 3", "Encoder layer 12 · head 31 · kv 15"])
    for wide, words in enumerate(["one letter", "long"])
]


@pytest.mark.parametrize(("heads", "title", "words"), TINY)
@pytest.mark.some(2)
def test_no_text_of_a_tiny_map_lies_on_another_or_on_a_picture(heads, title, words):
    for queries, keys, causal in itertools.product(range(1, 4), range(1, 4), (False, True)):
        picture = picture_of(queries, heads, keys, causal=causal and queries <= keys, words=WORDS[words])
        values = (panel.values / 2000 for panel in picture.panels)  # as many digits as a cell of a long text has
        panels = tuple(
            panel._replace(title=title, values=small) for panel, small in zip(picture.panels, values, strict=True)
        )
        figure, _ = draw(picture._replace(panels=panels, scale=Scale(0.0, 0.00123, 0.00123)))
        texts = texts_of(figure)
        boxes = boxes_of(texts)
        pairs = numpy.argwhere(numpy.triu(overlaps(boxes, boxes), 1))
        assert [(texts[a].text, texts[b].text) for a, b in pairs] == []
        images, bar = images_of(figure)
        in_cells = numpy.array([re.fullmatch(r"[\d.e-]+", one.text) is not None for one in texts])
        assert not overlaps(boxes[~in_cells], extents_of(images)).any()
        assert not overlaps(boxes, extents_of([bar])).any()
        assert boxes.min() >= 0
        assert boxes[:, 2].max() <= figure.get_figwidth() * figure.dpi


@pytest.mark.parametrize(("tokens", "heads"), [(1, 1), (3, 4), (64, 1)])
def test_nothing_touches_the_edge_of_a_png(tokens, heads):
    assert edges_are_white(save(draw(picture_of(tokens, heads, causal=True))[0], "png"))
