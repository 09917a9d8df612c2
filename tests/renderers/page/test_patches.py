"""Tokens that are the patches of an image."""

from __future__ import annotations

import numpy
import pytest

from attnviz.renderers.page.patches import patch_grid


def named(rows, columns):
    return [f"{row},{column}" for row in range(rows) for column in range(columns)]


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        (["[CLS]", *named(3, 4)], {"before": 1, "columns": 4}),
        (named(2, 2), {"before": 0, "columns": 2}),
        (["[CLS]", "[1]", *named(14, 14)], {"before": 2, "columns": 14}),
        (["[CLS]", *named(3, 4)[:-1]], None),
        ([*named(3, 4), "[SEP]"], None),
        (named(3, 4)[::-1], None),
        (named(1, 4), None),
        (["the", "cat", "1,000", "sat"], None),
        (["[CLS]"], None),
        ([], None),
    ],
)
def test_a_whole_grid_is_known_by_its_names(tokens, found):
    assert patch_grid(tokens) == found


def test_it_is_how_patches_of_a_model_are_called():
    from attnviz.sources.huggingface.patches.labels import patch_labels
    from attnviz.sources.huggingface.patches.reached import Patches

    places = numpy.indices((1, 3, 5)).reshape(3, -1).T
    cells = numpy.concatenate([numpy.full((2, 3), -1), places])[..., None].repeat(2, axis=-1)
    boxes = numpy.where(cells[:, :1, 0] < 0, numpy.nan, numpy.ones((17, 4)))
    assert patch_grid(patch_labels(Patches(cells, boxes))) == {"before": 2, "columns": 5}
