"""The panels: alike, near a square, their cells square."""

from __future__ import annotations

import numpy
import pytest

from attnviz import Layer, Trace
from attnviz.renderers.heatmap.figure import draw
from attnviz.renderers.heatmap.panel_grid import LEAST_CELL, panel_grid, resized
from attnviz.renderers.heatmap.picture import View, decide
from attnviz.trace.selection import select
from tests.support.figures import any_overlap, extents_of, images_of, picture_of


def test_panels_are_alike_in_size_and_lie_on_nothing():
    extents = extents_of(images_of(draw(picture_of(5, 12))[0])[0])
    assert numpy.ptp(extents[:, 2] - extents[:, 0]) == pytest.approx(0)
    assert not any_overlap(extents)
    order = sorted(range(12), key=lambda place: (-extents[place, 1].round(), extents[place, 0].round()))
    assert order == list(range(12))


@pytest.mark.parametrize(("queries", "keys"), [(3, 9), (9, 3), (1, 40), (40, 1)])
def test_cells_are_square_in_a_rectangle_of_cross_attention(queries, keys):
    (extents,) = extents_of(images_of(draw(picture_of(queries, keys=keys))[0])[0])
    assert (extents[2] - extents[0]) / (extents[3] - extents[1]) == pytest.approx(keys / queries)


@pytest.mark.parametrize(("panels", "columns"), [(1, 1), (2, 2), (3, 3), (4, 2), (8, 4), (12, 4), (16, 4)])
def test_panels_stand_near_a_square_without_empty_places(panels, columns):
    grid = panel_grid(picture_of(5, panels))
    assert (grid.columns, grid.rows) == (columns, -(-panels // columns))


@pytest.mark.parametrize(("tokens", "cell"), [(1, 0.75), (3, 0.75), (10, 0.44), (64, LEAST_CELL), (90, LEAST_CELL)])
def test_cells_are_as_large_as_can_be_read_on_one_page(tokens, cell):
    grid = panel_grid(picture_of(tokens))
    assert grid.cell == pytest.approx(cell)
    assert grid.pitch == pytest.approx((cell, cell))
    assert grid.panel == pytest.approx((tokens * cell, tokens * cell))
    assert panel_grid(picture_of(200)).panel[0] == pytest.approx(90 * LEAST_CELL)


def test_few_queries_of_many_keys_are_no_line():
    grid = panel_grid(picture_of(2, keys=400))
    assert grid.panel[1] == pytest.approx(2 * LEAST_CELL)
    assert grid.panel[1] > 2 * grid.cell


@pytest.mark.parametrize("heads", [1, 4])
def test_a_cell_of_a_pooled_map_is_whole_pixels(heads):
    array = numpy.zeros((heads, 3000, 1))
    trace = Trace(tuple(map(str, range(3000))), (Layer(array, array, array),))
    picture = decide(trace, select(trace), view=View(cells=300))
    pixels = panel_grid(picture).cell * picture.dpi
    assert pixels == pytest.approx(round(pixels))
    assert pixels >= 1


def test_a_grid_of_another_size_has_the_same_shape():
    grid = panel_grid(picture_of(5, 4))
    half = resized(grid, 0.5)
    assert (half.columns, half.rows) == (grid.columns, grid.rows)
    assert half.cell == pytest.approx(grid.cell / 2)
    assert half.pitch == pytest.approx((grid.pitch[0] / 2, grid.pitch[1] / 2))
    assert half.panel == pytest.approx((5 * half.cell, 5 * half.cell))
