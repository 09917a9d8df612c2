"""The picture with weights over it, as a figure: where its parts stand, and what is drawn where."""

from __future__ import annotations

import io

import numpy
import pytest
from pictured import pictured_trace
from PIL import Image

from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap.figure import save
from attnviz.renderers.on_image.decided import Look, Overlay, decide
from attnviz.renderers.on_image.figure import MARK, draw
from attnviz.trace.selection import select

PICTURE = Image.new("RGB", (30, 20), (250, 250, 250))


def decided(heads=2, look=Look(), overlay=Overlay(), layers=1, **options):  # noqa: B008  (immutable)
    trace = pictured_trace(heads, layers)
    return decide(trace, select(trace, **options), PICTURE, overlay, look)


def pixels(figure, dpi=100):
    return Image.open(io.BytesIO(save(figure, "png", dpi))).convert("RGB")


@pytest.mark.parametrize("heads", [1, *(pytest.param(heads, marks=pytest.mark.slow) for heads in (2, 4, 12))])
def test_nothing_stands_over_anything_else(heads):
    figure, missing = draw(decided(heads))
    width, height = figure.get_size_inches()
    boxes = [
        one.get_window_extent(figure.canvas.get_renderer()).bounds
        for one in figure.findobj()
        if type(one).__name__ == "BboxImage"
    ]
    assert len(boxes) == heads + 2  # the bare picture, each head, and the colours of the bar
    for x, y, wide, high in boxes:
        assert 0 <= x < x + wide <= width * figure.dpi
        assert 0 <= y < y + high <= height * figure.dpi
    for number, (x, y, wide, high) in enumerate(boxes):
        for ox, oy, owide, ohigh in boxes[number + 1 :]:
            assert x + wide <= ox + 1 or ox + owide <= x + 1 or y + high <= oy + 1 or oy + ohigh <= y + 1
    assert missing == ""


def test_a_patch_has_the_colour_of_its_weight():
    picture = decided(1, overlay=Overlay(smooth=False, opacity=1.0))
    figure, _ = draw(picture)
    images = [one for one in figure.findobj() if type(one).__name__ == "BboxImage"]
    shown = images[1].get_array()
    expected = numpy.asarray(
        __import__("matplotlib").colormaps["viridis"](picture.panels[0].values[0] / picture.frame.scale.high)
    )[:, :3]
    high, wide = shown.shape[:2]
    for place, colour in enumerate(expected):
        row, column = divmod(place, 3)
        found = shown[int((row + 0.5) * high / 2), int((column + 0.5) * wide / 3)]
        assert numpy.abs(found / 255 - colour).max() < 0.01


def test_the_query_and_the_contours_are_drawn():
    picture = decided(1, overlay=Overlay(contours=(0.5, 0.8)), query="15,5")
    figure, _ = draw(picture)
    image = numpy.asarray(pixels(figure))
    orange = numpy.abs(image.astype(int) - [int(MARK[place : place + 2], 16) for place in (1, 3, 5)]).max(axis=-1) < 8
    assert orange.sum() > 100
    styles = {str(one.get_linestyle()) for one in figure.findobj() if type(one).__name__ == "PathPatch"}
    assert len(styles) == 2


@pytest.mark.parametrize("form", ["png", *(pytest.param(form, marks=pytest.mark.slow) for form in ("svg", "pdf"))])
def test_every_format_is_written(form):
    figure, missing = draw(decided(), cmap="magma")
    assert save(figure, form).startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form])
    assert missing == ""


@pytest.mark.parametrize(
    ("heads", "width"),
    [(2, 84.0), *(pytest.param(*one, marks=pytest.mark.slow) for one in ((1, 60.0), (4, 174.0), (6, 84.0)))],
)
def test_a_width_is_kept(heads, width):
    figure, _ = draw(decided(heads, Look(width=width)))
    assert figure.get_figwidth() == pytest.approx(width / 25.4)
    for image in figure.findobj():
        if type(image).__name__ == "BboxImage":
            x, _, wide, _ = image.get_window_extent(figure.canvas.get_renderer()).bounds
            assert 0 <= x < x + wide <= figure.get_figwidth() * figure.dpi


def test_a_width_that_is_too_little_is_refused():
    with pytest.raises(AttnvizError, match="the picture does not fit into 20 mm"):
        draw(decided(2, Look(width=20.0)))


def test_a_tall_picture_is_no_wider_than_it_is():
    trace = pictured_trace()
    source = {**trace.source, "picture": {"width": 30, "height": 300}}
    trace = type(trace)(trace.tokens, trace.layers, source)
    figure, _ = draw(decide(trace, select(trace, layer=["0"]), Image.new("RGB", (30, 300))))
    assert figure.get_figheight() < 8
