"""A figure of a given width: as wide as asked, no text too small, nothing on anything else, or one line that says why not."""

from __future__ import annotations

import io

import numpy
import pytest
from PIL import Image

from attnviz import AttnvizError, trace_text
from attnviz.choices import MapStep
from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.heatmap.picture import Panel, View, decide
from attnviz.renderers.heatmap.text_artist import TextArtist
from attnviz.trace.selection import select
from tests.support.figures import boxes_of, images_of, overlaps, picture_of, texts_of

MILLIMETRES = 25.4


def of_width(picture, width):
    return draw(picture._replace(width=width / MILLIMETRES))[0]


@pytest.mark.parametrize("width", [60, 174])
@pytest.mark.parametrize(("tokens", "heads"), [(3, 1), (12, 4), (90, 1)])
def test_it_is_as_wide_as_asked_and_every_text_has_six_points(width, tokens, heads):
    figure = of_width(picture_of(tokens, heads, causal=True, step=MapStep.MASKED), width)
    assert figure.get_figwidth() * MILLIMETRES == pytest.approx(width)
    [artist] = figure.findobj(TextArtist)
    assert min(text.size for text in artist.texts) >= 6.0 - 1e-9
    boxes = boxes_of(texts_of(figure))
    wide, high = figure.get_size_inches() * figure.dpi
    assert boxes.min() >= 0
    assert boxes[:, 2].max() <= wide
    assert boxes[:, 3].max() <= high
    assert not numpy.triu(overlaps(boxes, boxes), 1).any()


def test_what_has_room_uses_it():
    wide = [images_of(of_width(picture_of(8), width))[0][0].get_window_extent().width for width in (60, 120)]
    assert wide[1] > 2 * wide[0]


def test_titles_of_panels_get_shorter_where_they_have_no_room():
    picture = picture_of(6, 4)
    panels = tuple(Panel(f"Head {head} · syntax (proved)", head, panel.values, f"H{head}", " · syntax (proved)")
                   for head, panel in enumerate(picture.panels))  # fmt: skip
    shown = {width: {text.text for text in texts_of(of_width(picture._replace(panels=panels), width))}
             for width in (300, 90, 55)}  # fmt: skip
    assert "Head 0 · syntax (proved)" in shown[300]
    assert "Head 0" in shown[90]
    assert "H0" in shown[55]


def test_too_little_is_told_with_what_would_do():
    with pytest.raises(AttnvizError, match="does not fit into 20 mm") as error:
        of_width(picture_of(12, 12, words="antidisestablishment{}".format), 20)
    enough = float(error.value.hint.split("about ")[1].split()[0])
    assert of_width(picture_of(12, 12, words="antidisestablishment{}".format), enough * 1.05)


def test_values_that_could_not_be_read_are_refused_or_left_out():
    picture = picture_of(12)._replace(width=60 / MILLIMETRES)
    with pytest.raises(AttnvizError, match=r"would have \d\.\d points at this width"):
        draw(picture, annotate=True)
    assert not [text for text in texts_of(draw(picture)[0]) if text.text.startswith("0.0")]


def test_each_cell_of_a_long_text_keeps_a_pixel():
    trace = trace_text(" ".join(f"w{place}" for place in range(900)), causal=True)
    picture = decide(trace, select(trace), view=View(width=60.0))
    figure, _ = draw(picture)
    [image], _ = images_of(figure)
    assert image.get_window_extent().width / figure.dpi * picture.dpi >= len(picture.keys)
    assert Image.open(io.BytesIO(save(figure, "png", picture.dpi))).width == pytest.approx(
        60 / 25.4 * picture.dpi, abs=1
    )
