"""Pictures that move: looked at frame by frame."""

from __future__ import annotations

import io

import pytest
from figures import frames_of
from PIL import Image

from attnviz import trace_text
from attnviz.progress import no_progress
from attnviz.renderers.heatmap.all_steps import decide_steps
from attnviz.renderers.heatmap.animation import MOST_FRAMES, animated
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.trace.selection import select

TWELVE = "Your journey starts with one step and then it goes on forever"


def picture_of(text=TWELVE, causal=True, view=View()):  # noqa: B008
    trace = trace_text(text, causal=causal)
    return decide(trace, select(trace), view=view)


@pytest.fixture(scope="module", params=["gif", pytest.param("webp", marks=pytest.mark.slow)])
def rows(request):
    told = []
    content, missing = animated(picture_of(), request.param, 0.5, lambda *done: told.append(done))
    assert missing == ""
    assert told == [(number, 11) for number in range(1, 12)]
    assert len(content) < 1_000_000
    assert Image.open(io.BytesIO(content)).info["loop"] == 0
    return frames_of(content)


@pytest.mark.slow
def test_the_whole_comes_first_and_stays_longest(rows):
    assert [duration for _, duration in rows] == [1500, *[500] * 11]


def test_rows_come_one_after_the_other_and_nothing_that_is_there_changes(rows):
    """Each frame differs from the next only where a row, its labels and what it hides come."""
    (whole, _), *others = rows
    blank = [int((pixels == 255).all(axis=-1).sum()) for pixels, _ in others]
    assert blank == sorted(blank, reverse=True)
    assert len(set(blank)) == len(blank)
    for pixels, _ in others:
        same = (abs(pixels - whole) < 3).all(axis=-1)
        assert (pixels[~same] == 255).all(axis=-1).mean() > 0.99  # what differs has not come yet


def test_white_stays_white(rows):
    for pixels, _ in rows:
        border = [pixels[:4], pixels[-4:], pixels[:, :4], pixels[:, -4:]]
        assert all((side == 255).all() for side in border)


def test_without_a_causal_rule_only_rows_come():
    content, _ = animated(picture_of("a b c", causal=False), "gif", 0.1, no_progress)
    assert len(frames_of(content)) == 3


def test_one_token_stands_still():
    [(_, duration)] = frames_of(animated(picture_of("a"), "webp", 2.0, no_progress)[0])
    assert duration in (0, 6000)  # a still picture has none


@pytest.mark.slow
def test_many_rows_come_several_at_once():
    content, _ = animated(picture_of(" ".join(map(str, range(100)))), "gif", 0.1, no_progress, dpi=30)
    assert MOST_FRAMES / 2 < len(frames_of(content)) <= MOST_FRAMES


def test_steps_come_one_after_the_other():
    trace = trace_text("Your journey starts", causal=True)
    chain = decide_steps(trace, select(trace).layers[0])
    content, _ = animated(chain, "gif", 1.0, no_progress, dpi=60)
    (whole, _), *others = frames_of(content)
    assert len(others) == 4
    assert whole.shape[1] == 768
    ends = [int((pixels[120:] != 255).any(axis=-1).any(axis=0).nonzero()[0].max()) for pixels, _ in others]
    assert ends == sorted(set(ends))
