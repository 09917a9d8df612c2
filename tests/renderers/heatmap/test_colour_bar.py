"""The colour bar: its numbers at their places, what lies beyond it, and the hidden cells below it."""

from __future__ import annotations

import math
import re

import pytest

from attnviz.choices import MapStep
from attnviz.renderers.heatmap.figure import draw
from attnviz.renderers.shared.scale import Scale
from tests.support.figures import any_overlap, boxes_of, images_of, picture_of, texts_of


@pytest.mark.parametrize("step", list(MapStep))
def test_the_ticks_of_the_colour_bar_stand_at_their_values(step):
    picture = picture_of(6, step=step)
    figure, _ = draw(picture)
    _, bar = images_of(figure)
    _, bottom, right, top = bar.get_window_extent().extents * 2  # from 100 to 200 dots an inch
    ticks = [one for one in texts_of(figure) if re.fullmatch(r"-?[\d.]+", one.text) and one.box[0] >= right]
    assert len(ticks) >= 2
    low, high = picture.scale[:2]
    for tick in ticks:
        at = bottom + (float(tick.text) - low) / (high - low) * (top - bottom)
        assert (tick.box[1] + tick.box[3]) / 2 == pytest.approx(at, abs=4)


def test_a_clipped_scale_tells_the_true_largest():
    picture = picture_of(4)._replace(scale=Scale(0.0, 0.1, 0.87))
    assert "→ 0.87" in [one.text for one in texts_of(draw(picture)[0])]
    assert not any(one.text.startswith("→ ") for one in texts_of(draw(picture_of(4))[0]))


@pytest.mark.parametrize(
    ("low", "high", "least", "labels"),
    [
        (1e-6, 1.0, 1e-6, ["1e-06", "1e-05", "0.0001", "0.001", "0.01", "0.1", "1"]),
        (3e-4, 0.013, 3e-4, ["0.0003", "0.0005", "0.001", "0.002", "0.005", "0.01", "0.013"]),
        (2e-3, 8e-3, 1e-7, ["0.002", "0.005", "0.008", "→ 1.0e-07"]),
        (1e-5, 1e-3, 0.0, ["1e-05", "0.0001", "0.001", "→ 0"]),
    ],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_a_scale_by_factors_has_its_ends_and_round_numbers_at_their_places(low, high, least, labels, hidden):
    picture = picture_of(40)._replace(scale=Scale(low, high, high, decades=True, least=least), hidden=hidden)
    figure, _ = draw(picture)
    _, bar = images_of(figure)
    _, bottom, right, top = bar.get_window_extent().extents * 2  # from 100 to 200 dots an inch
    texts = [one for one in texts_of(figure) if one.box[0] >= right and one.text not in ("hidden", "weight")]
    assert sorted(labels) == sorted(one.text for one in texts)
    for one in texts:
        if not one.text.startswith("→ "):
            at = bottom + math.log(float(one.text) / low) / math.log(high / low) * (top - bottom)
            assert (one.box[1] + one.box[3]) / 2 == pytest.approx(at, abs=4)
        else:
            assert (one.box[1] + one.box[3]) / 2 < bottom
    assert not any_overlap(boxes_of(texts_of(figure)))


@pytest.mark.parametrize("size", [1, 4])
def test_a_bar_with_both_tips_and_hidden_cells_has_room_for_all(size):
    picture = picture_of(size, causal=True)._replace(hidden=True)
    for scale in (Scale(1e-3, 0.1, 0.1, decades=True, least=0.0), Scale(0.0, 0.1, 0.9)):
        texts = texts_of(draw(picture._replace(scale=scale))[0])
        assert boxes_of(texts).min() >= 0
        assert not any_overlap(boxes_of(texts))
