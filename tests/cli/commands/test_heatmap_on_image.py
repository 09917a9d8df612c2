"""attnviz heatmap --on-image, from the command line to the file."""

from __future__ import annotations

import pytest
from command_line import attnviz, done, problem
from pictured import pictured_trace
from PIL import Image

from attnviz import trace_text

NAME = "seen.safetensors"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictured_trace(layers=1).save(NAME)
    Image.new("RGB", (30, 20), "teal").save("a.png")


@pytest.mark.parametrize(
    ("options", "file", "begins"),
    [
        ((), "attention.png", b"\x89PNG"),
        (("--query", "25,15", "--head", "1", "--contour", "50,80", "-o", "b.svg"), "b.svg", b"<?xml"),
        (("--query", "cls", "--interpolation", "nearest", "--opacity", "1", "-o", "b.pdf"), "b.pdf", b"%PDF"),
        (("--query", "1:3", "--head", "0", "--dpi", "40", "-o", "b.gif"), "b.gif", b"GIF"),
        (("--across", "rollout", "--query", "25,15", "-o", "b.svg"), "b.svg", b"<?xml"),
        (("--width", "84", "--vmax", "1", "--title", "Mine", "--lang", "vi", "-o", "b.png"), "b.png", b"\x89PNG"),
    ],
)
@pytest.mark.some(2)
def test_the_picture_is_written(options, file, begins):
    run = done("heatmap", "--from", NAME, "--on-image", "a.png", *options)
    assert run.text == f"{file}\n"
    with open(file, "rb") as stream:
        assert stream.read(len(begins)) == begins


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--on-image",), 2, "--on-image needs the image that was read"),
        (("--on-image", "a.png", "--step", "scores"), 2, "--on-image draws weights on an image, not --step"),
        (("--on-image", "a.png", "--compare", "causal"), 2, "--on-image draws weights on an image, not --compare"),
        (("--on-image", "a.png", "--show"), 2, "--on-image draws weights on an image, not --show"),
        (
            ("--on-image", "a.png", "--across", "flow", "-o", "a.gif"),
            2,
            "what --across follows does not move on an image",
        ),
        (("--on-image", "a.png", "--across", "flow", "--show"), 2, "--on-image draws weights on an image, not --show"),
        (("--on-image", "a.png", "--annotate"), 2, "--on-image draws weights on an image, not --annotate"),
        (("--on-image", "a.png", "--contour", "0"), 2, "--contour 0: expected percents from 0.1 to 99.9"),
        (("--on-image", "a.png", "--contour", "x"), 2, "--contour x: expected percents from 0.1 to 99.9"),
        (("--on-image", "a.png", "--contour", "10,20,30"), 2, "--contour 10,20,30: at most 2 lines can be told apart"),
        (("--on-image", "a.png", "--query", "99,3"), 1, "no query shows the pixel 99,3 of the image"),
        (("--on-image", "a.png", "--layer", "7"), 1, "layer 7 does not exist"),
        (("--on-image", "b.png"), 1, "the image has 20 × 30 pixels, and the one that was read 30 × 20"),
        (("--on-image", NAME), 1, f"{NAME} is not a readable image: its format is not known"),
        (("--on-image", "none.png"), 1, "none.png does not exist"),
        (("--contour", "50"), 2, "--contour is for weights on an image"),
        (("--opacity", "0.5"), 2, "--opacity is for weights on an image"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(options, code, said):
    Image.new("RGB", (20, 30)).save("b.png")
    assert problem(attnviz("heatmap", "--from", NAME, *options), code).startswith(said)
    assert not Image.os.path.exists("attention.png")


def test_a_trace_of_a_text_has_no_image():
    trace_text("the cat").save("text.safetensors")
    said = problem(attnviz("heatmap", "--from", "text.safetensors", "--on-image", "a.png"), 1)
    assert said.startswith("it is not known where the tokens of this trace stand in an image")
