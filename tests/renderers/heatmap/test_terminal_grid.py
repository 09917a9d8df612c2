"""How the panels stand in a terminal: as large as they can be, beside each other, every head named."""

from __future__ import annotations

import re

import numpy
import pytest
from rich.cells import cell_len

from attnviz import Layer, Trace
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.renderers.heatmap.terminal_cells import painter
from attnviz.renderers.heatmap.terminal_grid import GAP, Grid, Room
from attnviz.trace.selection import select
from tests.support.figures import picture_of, region_of

PAINT = painter(None, False)


def grid_of(picture, width=80, lines=None, coloured=False):
    return Grid(picture, Room(width, lines, coloured), PAINT)


def text_of(grid):
    return ["".join(segment.text for segment in grid.row(numbers)).splitlines() for numbers in grid.rows()]


@pytest.mark.parametrize(
    ("tokens", "heads", "width", "cell"), [(3, 1, 80, 4), (3, 4, 80, 2), (30, 1, 80, 2), (60, 1, 80, 1)]
)
def test_cells_are_as_large_as_fits(tokens, heads, width, cell):
    sizes = grid_of(picture_of(tokens, heads), width).sizes
    assert (sizes.cell, sizes.pooled, sizes.panel) == (cell, 1, tokens * cell)


@pytest.mark.parametrize("width", [20, 47, 80, 160])
@pytest.mark.parametrize(("tokens", "heads"), [(1, 12), (3, 12), (9, 5), (200, 3), (1, 1)])
def test_panels_beside_each_other_fit_the_width(tokens, heads, width):
    grid = grid_of(picture_of(tokens, heads), width)
    sizes = grid.sizes
    assert sizes.labels + 1 + sizes.columns * sizes.slot + (sizes.columns - 1) * GAP <= width
    assert [number for numbers in grid.rows() for number in numbers] == list(range(heads))
    assert all(cell_len(line) <= width for lines in text_of(grid) for line in lines)


def test_what_is_too_long_for_the_width_or_the_height_is_pooled():
    assert grid_of(picture_of(200), 80).pooled == 3
    assert grid_of(picture_of(60), 80, lines=10).pooled == 1  # it fits the width, and keeps its labels
    assert grid_of(picture_of(200), 80, lines=20).pooled == 10
    assert grid_of(picture_of(200), 80, lines=20, coloured=True).pooled == 5


@pytest.mark.parametrize(("tokens", "titles"), [(6, "Head {}"), (3, "Head {}"), (2, "H{}"), (1, "H{}")])
def test_titles_are_whole_where_all_fit_and_else_short(tokens, titles):
    grid = grid_of(picture_of(tokens, 12), 100)
    assert grid.titles == [titles.format(head) for head in range(12)]
    shown = " ".join(lines[0] for lines in text_of(grid))
    assert re.findall(titles.format(r"(\d+)"), shown) == [str(head) for head in range(12)]


def test_short_titles_of_several_layers_and_stacks_name_these():
    array = numpy.eye(2)[None].repeat(2, axis=0)
    layers = (Layer(array, array, array, index=3), Layer(array, array, array, index=3, name="cross 3"))
    trace = Trace(("a", "b"), layers)
    assert grid_of(decide(trace, select(trace)), 40).titles == ["L3H0", "L3H1", "cr3H0", "cr3H1"]


def test_tokens_stand_beside_their_rows_and_below_their_columns():
    [lines] = text_of(grid_of(picture_of(3, keys=4), 40))
    assert [line.split()[0] for line in lines if line.strip().startswith("w")] == ["w0", "w1", "w2"]
    columns = ["".join(column).strip() for column in zip(*(line.ljust(40) for line in lines[-2:]), strict=True)]
    assert [word for word in columns if word] == ["k0", "k1", "k2", "k3"]


def test_a_letter_wider_than_its_column_is_cut():
    picture = picture_of(60, words=lambda place: "日" if place == 7 else "a")
    assert "…" in text_of(grid_of(picture, 80))[0][-1]


def test_positions_stand_beside_the_tokens_of_a_region_and_below_them():
    picture = region_of("1000:1012", "1500:1510")
    [lines] = text_of(grid_of(picture, 80))
    assert any(re.match(r"\s*@1,000 +antidise", line) for line in lines)
    assert "╵1,500" in lines[-1]
    [narrow] = text_of(grid_of(picture, 39))
    assert not any("@" in line for line in narrow)


@pytest.mark.parametrize("coloured", [False, True])
def test_positions_stand_in_place_of_the_tokens_of_a_long_text(coloured):
    array = numpy.zeros((1, 3000, 1))
    trace = Trace(tuple(map(str, range(3000))), (Layer(array, array, array),))
    [lines] = text_of(grid_of(decide(trace, select(trace), view=View(cells=60)), 80, coloured=coloured))
    assert {"0", "1,000", "2,000"} <= {line.split()[0] for line in lines if line[:5].strip()}
    assert len(re.findall("╵", lines[-1])) >= 3
