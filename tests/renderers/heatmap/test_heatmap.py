"""A picture and how it is drawn: as a figure, as bytes, as a file."""

from __future__ import annotations

import io

import pytest
from pictured import pictured_trace
from PIL import Image

from attnviz import AttnvizError, trace_text
from attnviz.renderers.heatmap.attention_figure import FORMATS, MOVING
from attnviz.renderers.heatmap.chain_figure import draw_chain
from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.heatmap.heatmap import Heatmap
from attnviz.renderers.on_image.figure import draw as draw_on_image
from tests.support.figures import picture_of


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in MOVING])
@pytest.mark.some(2)
def test_it_is_drawn_and_saved_as_the_figure_is(tmp_path, form):
    picture = picture_of(4, causal=True)
    heatmap, expected = Heatmap(picture, "magma", True), save(draw(picture, cmap="magma", annotate=True)[0], form)
    assert heatmap.drawn(form) == expected
    heatmap.figure(tmp_path / f"picture.{form.upper()}")
    assert (tmp_path / f"picture.{form.upper()}").read_bytes() == expected


def test_a_suffix_that_is_no_picture_is_refused_before_anything_is_written(tmp_path):
    for name in ("picture.bmp", "picture"):
        with pytest.raises(AttnvizError, match=r"its suffix is not one of \.png, \.svg, \.pdf"):
            Heatmap(picture_of(2)).figure(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_it_remembers_the_characters_that_no_font_has():
    heatmap = Heatmap(picture_of(2, words="a\U00012000{}".format))
    assert heatmap.missing == ""
    heatmap.drawn()
    assert heatmap.missing == draw(heatmap.picture)[1]  # as the fonts of this machine have it


def test_its_repr_says_what_it_is_in_one_line():
    drawing = trace_text("Your journey starts", heads=2).heatmap(title="Two\nheads")
    assert repr(drawing) == str(drawing) == r"Heatmap(“Two\nheads”, 2 panels)"


@pytest.mark.parametrize("form", MOVING)
def test_it_moves_as_long_as_is_asked(tmp_path, form):
    heatmap = Heatmap(picture_of(2), dpi=40, seconds=0.3)
    heatmap.figure(tmp_path / f"picture.{form}")
    image = Image.open(io.BytesIO((tmp_path / f"picture.{form}").read_bytes()))
    image.seek(1)
    image.load()
    assert (image.n_frames, image.info["duration"]) == (2, 300)


def test_a_chain_is_drawn_as_its_figure_is():
    trace = trace_text("a b")
    heatmap = trace.heatmap(step="all").drawing
    assert heatmap.drawn() == save(draw_chain(heatmap.picture)[0], "png", 125)
    assert repr(heatmap) == "Heatmap(“The steps of attention”, 5 panels)"


def test_on_an_image_it_is_drawn_as_that():
    image = Image.new("RGB", (30, 20), "teal")
    heatmap = pictured_trace().heatmap(on_image=image, query="15,5", layer=0, head=1, dpi=40).drawing
    figure, missing = draw_on_image(heatmap.picture)
    assert (heatmap.drawn(), heatmap.missing) == (save(figure, "png", 40), missing)


def test_on_an_image_it_moves(tmp_path):
    image = Image.new("RGB", (30, 20), "teal")
    pictured_trace().heatmap(tmp_path / "seen.gif", on_image=image, query="1:3", layer=0, head=0, dpi=20)
    assert Image.open(io.BytesIO((tmp_path / "seen.gif").read_bytes())).n_frames == 3
