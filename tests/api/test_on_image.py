"""Attention on an image, from Python."""

from __future__ import annotations

import pytest
from pictured import pictured_trace
from PIL import Image

from attnviz import trace_text
from attnviz.api.on_image import picture_for
from attnviz.errors import AttnvizError

PICTURE = Image.new("RGB", (30, 20), "teal")


def test_it_is_drawn_saved_and_shown(tmp_path):
    trace = pictured_trace()
    PICTURE.save(tmp_path / "a.png")
    drawn = trace.heatmap(
        tmp_path / "seen.png", on_image=tmp_path / "a.png", query="15,5", contour=[0.5], layer=0, head=1, dpi=40
    )
    assert repr(drawn) == "Heatmap(“Attention on the image, layer 0, head 1, of query r0c1”, 1 panels)"
    assert drawn._repr_png_().startswith(b"\x89PNG")
    assert (tmp_path / "seen.png").read_bytes().startswith(b"\x89PNG")
    trace.heatmap(tmp_path / "seen.gif", on_image=PICTURE, query="1:3", head=0, dpi=20, layer=0)
    assert (tmp_path / "seen.gif").read_bytes().startswith(b"GIF")


def test_the_page_has_it():
    assert '"image":{"width":30' in pictured_trace().to_html(on_image=PICTURE)
    assert picture_for(pictured_trace(), None) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"on_image": 3}, "on_image is of type int: expected a file, or a picture of Pillow"),
        ({"on_image": Image.new("RGB", (3, 2))}, "the image has 3 × 2 pixels"),
        ({"on_image": PICTURE, "step": "scores"}, "on_image draws weights on an image, not step"),
        ({"on_image": PICTURE, "compare": "causal"}, "on_image draws weights on an image, not compare"),
        ({"on_image": PICTURE, "annotate": True}, "on_image draws weights on an image, not annotate"),
        ({"on_image": PICTURE, "contour": [0.1, 0.2, 0.3]}, "contour has 3 shares"),
        ({"on_image": PICTURE, "contour": [1.5]}, "contour is 1.5"),
        ({"on_image": PICTURE, "opacity": 2}, "opacity is 2"),
        ({"on_image": PICTURE, "interpolation": "cubic"}, "interpolation is 'cubic'"),
    ],
)
def test_what_cannot_be_drawn_is_told(options, said):
    with pytest.raises(AttnvizError, match=said):
        pictured_trace().heatmap(**options)


def test_a_text_has_no_image():
    with pytest.raises(AttnvizError, match="it is not known where the tokens"):
        trace_text("the cat").to_html(on_image=PICTURE)


def test_what_is_read_through_all_layers_is_laid_over_it(tmp_path):
    pictured_trace().heatmap(tmp_path / "a.svg", across="rollout", on_image=PICTURE)
    assert "Attention rollout, layers 1 to 0" in (tmp_path / "a.svg").read_text("utf-8")
    with pytest.raises(AttnvizError, match="does not move on an image"):
        pictured_trace().heatmap(tmp_path / "a.gif", across="rollout", on_image=PICTURE)
