"""How tokens that show a part of a picture are called."""

from __future__ import annotations

import numpy

from attnviz.sources.huggingface.patches.labels import patch_labels
from attnviz.sources.huggingface.patches.reached import Patches

NOTHING = [[-1, -1]] * 3


def made(*cells):
    places = numpy.array(cells)
    boxes = numpy.where(places[:, :1, 0] < 0, numpy.nan, numpy.ones((len(cells), 4)))
    return Patches(places, boxes)


def patch(row, column, part=0, size=1):
    return [[part, part], [row, row + size - 1], [column, column + size - 1]]


def test_rows_and_columns_count_from_0():
    assert patch_labels(made(NOTHING, patch(0, 0), patch(0, 1), NOTHING, NOTHING)) == (
        "[CLS]",
        "r0c0",
        "r0c1",
        "[1]",
        "[2]",
    )


def test_merged_cells_count_as_one():
    assert patch_labels(made(patch(0, 2, size=2), patch(4, 6, size=2))) == ("r0c1", "r2c3")


def test_parts_are_named_where_there_are_several():
    assert patch_labels(made(patch(1, 2, part=0), patch(1, 2, part=3))) == ("p0r1c2", "p3r1c2")


def test_other_tokens_keep_their_names():
    assert patch_labels(made(patch(0, 0), NOTHING), ["<image>", "cat"]) == ("r0c0", "cat")
    assert patch_labels(made(NOTHING, NOTHING), ["a", "b"]) == ("a", "b")
    assert patch_labels(made(patch(0, 0), NOTHING)) == ("r0c0", "[0]")
