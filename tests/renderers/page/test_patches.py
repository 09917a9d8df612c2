"""Tokens that are the patches of an image."""

from __future__ import annotations

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
    from attnviz.sources.huggingface.patches import PatchGrid

    labels = PatchGrid(3, 5, 2).labels(17)
    assert patch_grid(labels) == {"before": 2, "columns": 5}
