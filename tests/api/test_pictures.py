"""The public call that draws: the options of the command, and the same bytes."""

from __future__ import annotations

import pytest
from command_line import attnviz as run
from matplotlib.figure import Figure
from pictured import pictured_trace
from PIL import Image

from attnviz import AttnvizError, trace_model, trace_text

TEXT = "Your journey starts"
TRACE = trace_text(TEXT, heads=2, causal=True)


def test_it_draws_what_the_command_draws(tmp_path):
    drawing = TRACE.heatmap(
        tmp_path / "mine.png", title="A title", vmin=0.1, vmax=0.5, language="vi", width=100, dpi=50, cmap="magma"
    )
    options = [
        "--title",
        "A title",
        "--vmin",
        "0.1",
        "--vmax",
        "0.5",
        "--lang",
        "vi",
        "--width",
        "100",
        "--dpi",
        "50",
        "--cmap",
        "magma",
    ]
    written = run("heatmap", TEXT, "--heads", "2", "--causal", *options, "-o", tmp_path / "its.png")
    assert written.code == 0, written.stderr
    assert (tmp_path / "its.png").read_bytes() == (tmp_path / "mine.png").read_bytes() == drawing._repr_png_()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 5}, "width is 5: expected a number from 20 to 1000"),
        ({"vmin": "x"}, "vmin is 'x': expected a number"),
        ({"vmax": float("nan")}, "vmax is nan"),
        ({"language": "de"}, "language is 'de': .*en, vi"),
        ({"dpi": 1}, "dpi is 1"),
        ({"path": 5}, "path is 5: expected a path"),
    ],
)
def test_what_is_out_of_range_is_told(options, message):
    with pytest.raises(AttnvizError, match=message):
        TRACE.heatmap(**options)


def test_an_image_is_drawn_with_the_weights_over_it():
    trace, image = pictured_trace(), Image.new("RGB", (30, 20))
    assert "Attention on the image" in repr(trace.heatmap(on_image=image, query="15,5", layer=0, head=1))
    assert "Attention on the image" not in repr(trace.heatmap(query="@2", layer=0, head=1))


def test_it_is_drawn_into_axes_that_are_given():
    figure = Figure()
    axes = figure.subplots(1, 2)
    assert TRACE.heatmap(axes=axes, cmap="magma") is figure
    assert [one.images[0].get_cmap().name for one in axes] == ["magma", "magma"]
    for options in ({"dpi": 100}, {"path": "a.png"}, {"width": 90}):
        with pytest.raises(AttnvizError, match="axes are of your own figure"):
            TRACE.heatmap(axes=axes, **options)
    with pytest.raises(AttnvizError, match="cmap is 3: expected a text"):
        TRACE.heatmap(axes=axes, cmap=3)


def test_of_several_layers_the_first_is_drawn_as_the_command_does(tmp_path):
    trace_model("tiny", "the dogs").heatmap(tmp_path / "mine.svg", head=0)
    run("heatmap", "the dogs", "--model", "tiny", "--head", 0, "-o", tmp_path / "its.svg")
    assert (tmp_path / "mine.svg").read_bytes() == (tmp_path / "its.svg").read_bytes()


def test_words_are_drawn_in_place_of_tokens(tmp_path):
    cut = trace_text(TEXT, tokenizer="char")
    cut.heatmap(tmp_path / "mine.png", words=True)
    cut.by_words().heatmap(tmp_path / "same.png")
    cut.heatmap(tmp_path / "other.png")
    mine, same, other = ((tmp_path / f"{name}.png").read_bytes() for name in ("mine", "same", "other"))
    assert mine == same != other
    with pytest.raises(AttnvizError, match="--words merges weights: scores cannot be shown of words"):
        cut.heatmap(words=True, step="scores")
