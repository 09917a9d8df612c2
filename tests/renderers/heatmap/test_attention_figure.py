"""What Python gets of a picture: a figure of matplotlib that shows itself, and is saved as the command writes it."""

from __future__ import annotations

import io
from base64 import b64decode

import numpy
import pytest
from matplotlib.figure import Figure
from PIL import Image

from attnviz import AttnvizError, trace_text
from attnviz.renderers.heatmap.attention_figure import FORMATS, MOVING, AttentionFigure, save
from attnviz.renderers.heatmap.heatmap import Heatmap
from tests.support.figures import picture_of


def pixels(content):
    return numpy.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


@pytest.mark.parametrize("form", ["png", "gif"])
def test_it_is_saved_as_it_is_drawn(tmp_path, form):
    heatmap = Heatmap(picture_of(3, causal=True), dpi=40)
    figure = heatmap.figure()
    figure.save(tmp_path / f"picture.{form.upper()}")
    assert (tmp_path / f"picture.{form.upper()}").read_bytes() == heatmap.drawn(form)


def test_it_is_a_figure_to_which_more_can_be_added(tmp_path):
    figure = Heatmap(picture_of(3)).figure()
    assert isinstance(figure, Figure)
    before = figure._repr_png_()
    figure.text(0.5, 0.01, "mine")
    figure.save(tmp_path / "more.png")
    assert (pixels((tmp_path / "more.png").read_bytes()) != pixels(before)).any()


def test_a_notebook_shows_its_png_whatever_pyplot_makes_of_figures():
    heatmap = Heatmap(picture_of(3), dpi=60)
    figure = heatmap.figure()
    shown = figure._repr_mimebundle_(include=None, exclude=None)
    assert b64decode(shown["image/png"]) == figure._repr_png_() == heatmap.drawn()
    assert shown["text/plain"] == repr(figure) == str(figure) == repr(heatmap)
    assert Image.open(io.BytesIO(figure._repr_png_())).info["dpi"] == pytest.approx((60, 60), abs=0.1)


def test_a_tight_box_cuts_nothing_off():
    figure, usual, tight = trace_text("Your journey starts").heatmap(), io.BytesIO(), io.BytesIO()
    figure.savefig(usual, dpi=50)
    figure.savefig(tight, dpi=50, bbox_inches="tight", pad_inches=0)
    whole, cut = pixels(usual.getvalue()), pixels(tight.getvalue())
    assert numpy.abs(numpy.subtract(whole.shape, cut.shape)).max() <= 1
    assert (cut < 128).sum() == pytest.approx((whole < 128).sum(), rel=0.02)  # all of its ink


def test_a_suffix_that_is_no_picture_is_refused_before_anything_is_written(tmp_path):
    for name in ("picture.bmp", "picture"):
        with pytest.raises(AttnvizError, match=r"its suffix is not one of \.png, \.svg, \.pdf"):
            Heatmap(picture_of(2)).figure().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_drawn_of_nothing_is_as_any_other():
    figure = AttentionFigure((1, 1))
    assert (figure.missing, repr(figure)) == ("", Figure.__repr__(figure))
    assert figure._repr_png_() == save(figure, "png")
    assert set(MOVING) < set(FORMATS)
    with pytest.raises(AttnvizError, match=r"its suffix is not one of \.png, \.svg, \.pdf$"):
        figure.save("still.gif")
