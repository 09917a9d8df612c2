"""The cells of a map as characters: in colour two pixels each, without colour a shade."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz.choices import Pool
from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap.terminal_cells import Cells, painter, pooled, shade, style
from attnviz.renderers.shared.colours import rgb
from attnviz.renderers.shared.scale import Scale

SCALE = Scale(0.0, 1.0, 1.0)
VALUES = numpy.array([[0.0, 1.0, -math.inf], [0.5, -math.inf, -math.inf], [1.0, 0.0, 0.25]])


def line_of(cells, line, values=VALUES):
    return list(cells.line(values, line))


@pytest.mark.parametrize(("size", "lines"), [(1, 3), (2, 3), (3, 3), (4, 6)])
def test_without_colour_a_cell_is_as_many_characters_wide_and_half_as_many_lines_high(size, lines):
    cells = Cells(size, SCALE, painter(None, False), coloured=False)
    assert cells.lines(3) == lines
    texts = ["".join(one.text for one in line_of(cells, line)) for line in range(lines)]
    rows = ["░█·", "▓··", "█░▒"]
    high = lines // 3
    assert texts == ["".join(character * size for character in rows[line // high]) for line in range(lines)]


def test_in_colour_a_character_holds_two_pixels():
    cells = Cells(1, SCALE, painter(None, False), coloured=True)
    assert cells.lines(3) == 2
    first, second = line_of(cells, 0), line_of(cells, 1)
    assert [one.text for one in first] == ["▀", "▀", "·"]
    assert first[0].style == style(rgb(0.0), rgb(0.5))
    assert first[1].style == style(rgb(1.0))  # nothing below it
    assert [one.text for one in second] == ["▀", "▀", "▀"]  # an odd last row
    assert not any(one.style.bgcolor for one in second)


def test_a_hidden_pixel_above_a_visible_one_leaves_it_alone():
    cells = Cells(1, SCALE, painter(None, False), coloured=True)
    [one] = line_of(cells, 0, numpy.array([[-math.inf], [1.0]]))
    assert (one.text, one.style) == ("▄", style(rgb(1.0)))


@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize("size", [2, 3, 4])
def test_each_row_is_labelled_on_one_line(size, coloured):
    cells = Cells(size, SCALE, painter(None, False), coloured)
    rows = [cells.label_row(line) for line in range(cells.lines(5))]
    assert [row for row in rows if row is not None] == list(range(5))


def test_a_colour_map_of_ones_own_or_one_with_two_arms_is_used():
    assert painter(None, False) is rgb
    red, _, blue = painter(None, True)(1.0)
    assert blue > red
    assert painter("Greys", False)(1.0) == (0, 0, 0)
    with pytest.raises(AttnvizError):
        painter("virdis", False)


@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    size=st.integers(1, 4),
    hidden=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_pooled_cells_are_the_mean_or_the_largest_of_what_they_show(rows, columns, size, hidden, seed):
    draw = numpy.random.default_rng(seed)
    values = numpy.where(draw.random((rows, columns)) < hidden, -math.inf, draw.random((rows, columns)))
    for pool, combine in ((Pool.MEAN, numpy.mean), (Pool.MAX, numpy.max)):
        found = pooled(values, size, pool)
        assert found.shape == (math.ceil(rows / size), math.ceil(columns / size))
        for row, column in numpy.ndindex(found.shape):
            block = values[row * size : (row + 1) * size, column * size : (column + 1) * size]
            seen = block[block > -math.inf]
            assert found[row, column] == (pytest.approx(combine(seen)) if seen.size else -math.inf)


def test_shades_are_four_equal_parts():
    assert [shade(tint) for tint in (0.0, 0.24, 0.25, 0.5, 0.75, 1.0)] == ["░", "░", "▒", "▓", "█", "█"]


def test_the_mean_of_the_lowest_numbers_there_are_is_no_hidden_cell():
    least = numpy.finfo(numpy.float64).min
    values = numpy.full((4, 4), least)
    values[:2, 2:], values[3, 3] = -math.inf, -math.inf
    assert pooled(values, 2, Pool.MEAN).tolist() == [[least, -math.inf], [least, least]]
