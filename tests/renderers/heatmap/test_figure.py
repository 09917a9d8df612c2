"""The heat map as a figure: its artists and its bytes."""

from __future__ import annotations

import io
import math
import re
import subprocess
import sys

import numpy
import pytest
from PIL import Image

from attnviz import AttnvizError
from attnviz.choices import MapStep
from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.shared.colours import DIVERGING
from attnviz.renderers.shared.scale import scale_of
from tests.support.figures import images_of, picture_of, texts_of

FORMATS = pytest.mark.parametrize("form", ["png", "svg", "pdf"])


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [1, 4, 12])
def test_every_panel_is_an_image_of_its_weights_with_what_is_hidden_masked(heads, causal):
    picture = picture_of(5, heads, causal=causal)
    images, _ = images_of(draw(picture)[0])
    assert len(images) == heads
    for image, panel in zip(images, picture.panels, strict=True):
        hidden = panel.values == -math.inf
        assert (numpy.ma.getmaskarray(image.get_array()) == hidden).all()
        assert (numpy.asarray(image.get_array())[~hidden] == panel.values[~hidden]).all()


def test_every_image_has_the_one_scale_of_the_picture():
    picture = picture_of(5, 4, step=MapStep.SCORES)
    images, bar = images_of(draw(picture)[0])
    assert {id(image.norm) for image in images} == {id(bar.norm)}
    assert (bar.norm.vmin, bar.norm.vmax) == picture.scale[:2]
    assert {image.get_cmap().name for image in (*images, bar)} == {DIVERGING}
    assert (bar.get_array()[0, 0], bar.get_array()[-1, 0]) == picture.scale[:2]


@pytest.mark.parametrize("heads", [1, 4])
def test_the_words_around_the_panels(heads):
    picture = picture_of(4, heads, causal=True)
    texts = [one.text for one in texts_of(draw(picture)[0])]
    for text in (picture.title, picture.subtitle, "query", "key"):
        assert text in texts
    titles = [text for text in texts if re.fullmatch(r"Head \d+", text)]
    assert titles == ([f"Head {head}" for head in range(heads)] if heads > 1 else [])


@FORMATS
@pytest.mark.some(2)
def test_the_same_picture_gives_the_same_bytes(form):
    picture = picture_of(5, 4, causal=True)
    assert save(draw(picture)[0], form) == save(draw(picture)[0], form)


@FORMATS
@pytest.mark.some(2)
def test_a_figure_may_be_saved_twice_and_in_several_formats(form):
    figure, _ = draw(picture_of(4, causal=True))
    first = save(figure, form)
    save(figure, "png", dpi=60)
    assert save(figure, form) == first


PROGRAM = """
import hashlib, sys, numpy
from attnviz import trace_text
from attnviz.renderers.heatmap.figure import draw, save
from attnviz.renderers.shared.scale import scale_of
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.renderers.shared.scale import Scale
from attnviz.trace.selection import select
trace = trace_text("Your journey starts", heads=2, causal=True)
figure, _ = draw(decide(trace, select(trace)))
print(*(hashlib.sha256(save(figure, form)).hexdigest() for form in ("png", "svg", "pdf")))
print(sorted(name for name in sys.modules if name == "pylab" or name.startswith(("matplotlib.pyplot", "seaborn", "tkinter"))))
"""


@pytest.mark.slow  # the quick tests of the command compare programs, too
def test_another_process_writes_the_same_bytes_and_nothing_imports_pyplot():
    runs = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PATH": "", "TZ": zone, "SOURCE_DATE_EPOCH": ""},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Ho_Chi_Minh"))
    ]
    assert runs[0] == runs[1]
    hashes, pyplot = runs[0].splitlines()
    assert len(set(hashes.split())) == 3
    assert pyplot == "[]"


def test_an_svg_points_nowhere_outside_itself():
    text = save(draw(picture_of(4, causal=True))[0], "svg").decode()
    links = re.findall(r'(?:href|src)="([^"]*)"', text)
    assert links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
    assert "<dc:date>" not in text


def test_a_pdf_is_a_pdf_without_its_date():
    content = save(draw(picture_of(4))[0], "pdf")
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert b"CreationDate" not in content


@pytest.mark.parametrize("dpi", [50, 72, 150, 300])
def test_a_png_has_the_size_of_the_figure(dpi):
    figure, _ = draw(picture_of(3))
    image = Image.open(io.BytesIO(save(figure, "png", dpi)))
    image.load()
    assert image.size == pytest.approx(tuple(figure.get_size_inches() * dpi), abs=1)
    assert image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.1)


@pytest.mark.slow
def test_a_png_has_150_dots_an_inch_and_a_very_large_one_fewer():
    small, large = (draw(picture_of(size, heads))[0] for size, heads in ((3, 1), (64, 12)))
    assert Image.open(io.BytesIO(save(small, "png"))).width == pytest.approx(small.get_figwidth() * 150, abs=1)
    assert Image.open(io.BytesIO(save(large, "png"))).width == pytest.approx(large.get_figwidth() * 100, abs=1)


def test_an_unknown_colour_map_is_an_error_that_suggests_one():
    with pytest.raises(AttnvizError) as error:
        draw(picture_of(2), cmap="virdis")
    assert "viridis" in error.value.hint


def test_a_colour_map_of_ones_own_is_used():
    images, bar = images_of(draw(picture_of(3, 4), cmap="magma")[0])
    assert {image.get_cmap().name for image in (*images, bar)} == {"magma"}


@pytest.mark.parametrize("least", [numpy.finfo(numpy.float64).min, -1.7e308, -8e307, -4e38])
@pytest.mark.parametrize("form", ["png", "svg"])
def test_a_row_that_is_lowered_as_far_as_numbers_go_is_drawn_in_a_colour_of_its_own(least, form):
    values = numpy.array([[0.5, -0.25], [least, least]])
    picture = picture_of(2, step=MapStep.MASKED)
    picture = picture._replace(
        panels=(picture.panels[0]._replace(values=values),), scale=scale_of([values], MapStep.MASKED)
    )
    figure, _ = draw(picture, annotate=True)
    (image,), bar = images_of(figure)
    assert image.norm(values).tolist() == [[0.5, 0.5], [0.0, 0.0]]
    numpy.testing.assert_allclose(bar.norm(bar.get_array())[:, 0], numpy.linspace(0, 1, 256), atol=1e-12)
    assert f"{least:.2g}" in [one.text for one in texts_of(figure)]
    assert save(figure, form)
