"""Which cells reach which tokens, read digit by digit: against a table of who is reached by whom."""

from __future__ import annotations

import numpy
import pytest

from attnviz.sources.huggingface.patches.cells import Cells
from attnviz.sources.huggingface.patches.labels import patch_labels
from attnviz.sources.huggingface.patches.probe import Sides
from attnviz.sources.huggingface.patches.reached import reached

PLACE = ("", 0)


def grid(rows, columns, parts=1):
    places = numpy.indices((parts, rows, columns)).reshape(3, -1).T
    boxes = numpy.stack([places[:, 2], places[:, 1], places[:, 2] + 1, places[:, 1] + 1], axis=1).astype(float)
    return Cells(places, boxes, (len(places),))


def found(cells, table):
    """What ``reached`` finds of a model whose token is reached by the cells that its row of ``table`` marks."""
    table = numpy.asarray(table, dtype=bool)
    runs = []

    def changed(some):
        runs.append(some)
        return {PLACE: Sides((table & some).any(axis=1), (table & some).any(axis=1))}

    return reached(cells, changed)[PLACE][1], len(runs)


def test_a_shuffled_grid_is_read_with_few_passes():
    cells, order = grid(9, 13), numpy.random.default_rng(0).permutation(9 * 13)
    patches, passes = found(cells, numpy.eye(9 * 13)[order])
    assert numpy.array_equal(patches.boxes, cells.boxes[order])
    assert passes == 1 + 2 * (4 + 4)


def test_tokens_that_no_cell_or_every_cell_reaches_show_nothing():
    table = numpy.concatenate([numpy.zeros((1, 12)), numpy.eye(12), numpy.ones((1, 12))])
    patches, _ = found(grid(3, 4), table)
    assert patches.there.tolist() == [False, *[True] * 12, False]
    assert (patches.cells[0] == -1).all()
    assert patch_labels(patches)[:3] == ("[CLS]", "r0c0", "r0c1")
    assert patch_labels(patches)[-1] == "[1]"


@pytest.mark.parametrize(
    ("rows", "columns", "high", "wide"), [(8, 6, 2, 2), (9, 12, 3, 3), (5, 7, 1, 7), (10, 8, 5, 2)]
)
def test_merged_cells_are_shown_as_one_part(rows, columns, high, wide):
    cells = grid(rows, columns)
    blocks = [(row, column) for row in range(0, rows, high) for column in range(0, columns, wide)]
    table = [
        [row <= y < row + high and column <= x < column + wide for _, y, x in cells.places] for row, column in blocks
    ]
    patches, _ = found(cells, table)
    expected = [[column, row, min(column + wide, columns), min(row + high, rows)] for row, column in blocks]
    assert patches.boxes.tolist() == expected
    assert patch_labels(patches)[-1] == f"r{(rows - 1) // high}c{(columns - 1) // wide}"


def test_cells_that_overlap_unevenly_are_found_too():
    cells = grid(1, 12)
    table = [[start <= x < start + 3 for _, _, x in cells.places] for start in range(10)]
    patches, _ = found(cells, table)
    assert patches.boxes[:, [0, 2]].tolist() == [[start, start + 3] for start in range(10)]


def test_parts_of_a_picture_are_told_apart():
    patches, _ = found(grid(2, 2, parts=3), numpy.eye(12))
    assert patch_labels(patches)[0] == "p0r0c0"
    assert patch_labels(patches, ["x"] * 12)[-1] == "p2r1c1"


def test_what_several_parts_reach_shows_none_of_them():
    cells = grid(2, 2, parts=2)
    table = [[1, 0, 0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0, 0]]
    patches, _ = found(cells, table)
    assert patches.there.tolist() == [False, True]


def test_cells_around_the_picture_show_nothing():
    cells = grid(2, 2)
    cells.places[3] = -1
    cells.boxes[3] = numpy.nan
    patches, _ = found(cells, numpy.eye(4))
    assert patches.there.tolist() == [True, True, True, False]
    assert patch_labels(patches, ["a", "b", "c", "<pad>"])[-1] == "<pad>"
