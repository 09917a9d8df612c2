"""Frames as one picture that moves: their colours, and how long each is shown."""

from __future__ import annotations

import io

import numpy
import pytest
from figures import frames_of
from PIL import Image

from attnviz.renderers.heatmap.film import film

SHADES = [(10 * shade, 255 - 9 * shade, 7 * shade % 256) for shade in range(26)]


def frame(shades):
    """A white ground with a square of each shade."""
    pixels = numpy.full((20, 30 * 20, 3), 255, numpy.uint8)
    for place, shade in enumerate(shades):
        pixels[4:16, 20 * place + 4 : 20 * place + 16] = shade
    return Image.fromarray(pixels)


def read(content):
    return [(shown, pixels) for pixels, shown in frames_of(content)]


@pytest.mark.parametrize("form", ["gif", "webp"])
def test_a_colour_is_the_same_one_in_every_frame_and_white_stays_white(form):
    frames = [frame(SHADES[:3]), frame(SHADES)]
    found = read(film(iter(frames), form, [100, 700], like=frames[-1]))
    assert [duration for duration, _ in found] == [100, 700]
    (_, few), (_, all_of_them) = found
    for place in range(3):
        assert (few[10, 20 * place + 10] == all_of_them[10, 20 * place + 10]).all()
        assert abs(few[10, 20 * place + 10] - SHADES[place]).max() < 8
    for _, pixels in found:
        assert (pixels[:3] == 255).all()


def test_it_starts_again():
    assert Image.open(io.BytesIO(film([frame(SHADES)] * 2, "gif", [100, 100], like=frame(SHADES)))).info["loop"] == 0
