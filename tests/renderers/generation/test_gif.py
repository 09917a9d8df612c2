"""The frames as a GIF: looked at as decisions and pixels of one colour, never as pictures."""

from __future__ import annotations

import io

import numpy
import pytest
from matplotlib.figure import Figure
from PIL import Image

from attnviz.renderers.generation import gif
from attnviz.renderers.generation.frames import Bar, Frame, Group
from attnviz.renderers.generation.gif import LAST, MILLISECONDS, to_gif
from attnviz.renderers.heatmap.measures import text_width

FAMILIES = ("DejaVu Sans",)


def frame(words=("Your", "journey"), token="starts", share=0.5):
    bars = (Bar("starts", share, "50 %", True), Bar("a word too long for its room", 0.2, "20 %"))
    return Frame(words, token, Group("Step 1", bars), (Group("layer 0 head 1", bars),) * 3)


@pytest.fixture(scope="module")
def pictures():
    told = []
    content, missing = to_gif([frame(share=0.1), frame(share=0.9)], lambda *done: told.append(done))
    assert (missing, told) == ("", [(1, 2), (2, 2)])
    image = Image.open(io.BytesIO(content))
    found = []
    for number in range(image.n_frames):
        image.seek(number)
        found.append((image.info["duration"], numpy.asarray(image.convert("RGB")).astype(int)))
    return image, found


def test_it_moves_starts_again_and_stays_on_its_end(pictures):
    image, found = pictures
    assert (image.size, image.info["loop"]) == ((960, 540), 0)
    assert [duration for duration, _ in found] == [MILLISECONDS, LAST]


def test_the_bar_of_what_was_chosen_is_as_long_as_its_share(pictures):
    def inked(pixels):
        colour = numpy.array([int(gif._colour(gif.CHOSEN)[place : place + 2], 16) for place in (1, 3, 5)])
        return int((abs(pixels[115:, :480] - colour).max(axis=-1) < 12).sum())

    first, second = (pixels for _, pixels in pictures[1])
    assert inked(second) > 5 * inked(first) > 0


def test_the_same_colour_is_the_same_one_in_every_frame(pictures):
    """The title of the first group stands in both, at the same place."""
    (_, first), (_, second) = pictures[1]
    assert (first[118:134, 40:200] == second[118:134, 40:200]).all()
    assert (first[118:134, 40:200] < 200).any()


def test_nothing_reaches_the_edge(pictures):
    for _, pixels in pictures[1]:
        border = [pixels[:4], pixels[-4:], pixels[:, :4], pixels[:, -4:]]
        assert all((side == 255).all() for side in border)


def test_groups_stand_still_from_frame_to_frame():
    bars = frame().next.bars
    one, two = Group("layer 0 head 1", bars[:1]), Group("layer 0 head 2", bars)
    frames = [frame()._replace(heads=heads) for heads in ((), (one, two), (two, one))]
    step = gif.ROW * 3 + gif.SPACE
    assert gif._tops(frames) == pytest.approx([3.45, 3.45 - step, 3.45 - 2 * step])


def test_a_long_title_is_written_smaller():
    def title(text):
        [placed, *_] = gif._group(Figure(), Group(text, ()), gif.RIGHT, gif.TOP, FAMILIES)
        return placed

    assert title("layer 0 head 1").size == gif.TITLE
    long = title("layer 0 head 1 · syntax (proved) · meaning (partly)")
    assert long.size < gif.TITLE
    assert text_width((long.text,), FAMILIES, long.size, True) <= gif.WIDTH * 1.01


@pytest.mark.slow
def test_of_a_long_text_the_end_is_shown():
    before, token = gif._line(frame(tuple(f"word{number}" for number in range(99))), FAMILIES)
    assert before.text.startswith("… word")
    assert before.text.endswith(" word98")
    assert token.x + text_width((token.text,), FAMILIES, token.size, True) <= gif.SIZE[0] - gif.MARGIN + 0.1
    alone, first = gif._line(frame(()), FAMILIES)
    assert (alone.text, first.x) == ("", gif.MARGIN)


def test_a_character_that_no_font_has_is_told():
    assert to_gif([frame(("\U0010fffd",))], lambda *_: None)[1] == "\U0010fffd"
