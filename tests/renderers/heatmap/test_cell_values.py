"""The values in the cells."""

from __future__ import annotations

import re

import pytest

from attnviz.renderers.heatmap.figure import draw
from tests.support.figures import boxes_of, extents_of, images_of, overlaps, picture_of, texts_of


def values_of(figure):
    """The numbers in the cells."""
    (extents,) = extents_of(images_of(figure)[0]) * 2  # from 100 to 200 dots an inch
    texts = [one for one in texts_of(figure) if re.fullmatch(r"-?\d+\.\d\d", one.text)]
    return extents, [one for one in texts if overlaps(boxes_of([one]), extents[None]).any()]


@pytest.mark.parametrize("causal", [False, True])
def test_values_stand_in_their_cells_and_hidden_cells_have_none(causal):
    picture = picture_of(4, causal=causal)
    (left, bottom, right, top), values = values_of(draw(picture)[0])
    assert len(values) == (10 if causal else 16)
    cell = (right - left) / 4
    for one in values:
        x, y = (one.box[0] + one.box[2]) / 2, (one.box[1] + one.box[3]) / 2
        row, column = int((top - y) / cell), int((x - left) / cell)
        assert one.text == f"{picture.panels[0].values[row, column]:.2f}"
        assert left + column * cell <= one.box[0] < one.box[2] <= left + (column + 1) * cell
        assert bottom + (3 - row) * cell <= one.box[1] < one.box[3] <= bottom + (4 - row) * cell


def test_nothing_at_all_is_written_into_hidden_cells():
    figure, _ = draw(picture_of(4, causal=True))
    (extent,) = extents_of(images_of(figure)[0])
    texts = [one for one in texts_of(figure) if overlaps(boxes_of([one]), (extent * 2)[None]).any()]
    assert len(texts) == 10  # of any words, "-inf" too


def luminance(colour):
    """WCAG 2.1, relative luminance of red, green, blue from 0 to 1."""
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in colour[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("cmap", [None, "magma", "Greys", "RdBu_r", "twilight"])
def test_values_are_easy_to_read_on_their_cells(cmap):
    picture = picture_of(6)
    figure, _ = draw(picture, cmap=cmap)
    (image,) = images_of(figure)[0]
    _, texts = values_of(figure)
    assert len(texts) == 36
    for text, value in zip(texts, picture.panels[0].values.ravel(), strict=True):
        front, back = luminance(text.colour), luminance(image.get_cmap()(image.norm(value)))
        assert (max(front, back) + 0.05) / (min(front, back) + 0.05) >= 4.4


@pytest.mark.parametrize(
    ("annotate", "tokens", "count"), [(True, 3, 9), (True, 40, 1600), (False, 3, 0), (None, 64, 0)]
)
def test_values_are_written_when_asked_for_or_while_they_fit(annotate, tokens, count):
    picture = picture_of(tokens)
    assert len(values_of(draw(picture, annotate=annotate)[0])[1]) == count
