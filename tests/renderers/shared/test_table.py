"""A matrix as a table: aligned, in blocks that fit, tinted where there is colour."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.measure import Measurement

from attnviz.renderers.shared.matrix import HIDDEN, Matrix
from attnviz.renderers.shared.table import MatrixTable
from attnviz.text.display import shorten, shown
from tests.support.hard_tokens import TOKENS
from tests.support.luminance import luminance

WIDTHS = st.integers(20, 120)


def table(rows, columns, cells):
    names = [shorten(shown(token), 16) for token in rows], [shorten(shown(token), 16) for token in columns]
    return Matrix("Query ↓ Key →", *names, cells, [[0.5] * len(columns)] * len(rows))


@given(tokens=st.lists(TOKENS, min_size=1, max_size=6), width=WIDTHS)
@settings(deadline=None, max_examples=60)
def test_the_rule_of_a_block_stands_in_one_column_of_cells(rendered, tokens, width):
    matrix = table(
        tokens, tokens, [[f"{row + column}.5" for column in range(len(tokens))] for row in range(len(tokens))]
    )
    places = set()
    for line in rendered(MatrixTable(matrix), width):
        if line:
            places.add(cell_len(re.split(" │ |─┼─", line)[0]))
    assert len(places) == 1


@given(
    columns=st.integers(1, 30),
    rows=st.integers(1, 4),
    width=WIDTHS,
    name=st.sampled_from(["x", "日本", "👩‍👩‍👧", "việc", "configuration"]),
)
@settings(deadline=None, max_examples=60)
def test_every_number_is_there_though_the_columns_stand_in_blocks(rendered, columns, rows, width, name):
    cells = [[f"{row * 100 + column}.25" for column in range(columns)] for row in range(rows)]
    matrix = table([f"r{place}" for place in range(rows)], [f"{name}{place}" for place in range(columns)], cells)
    blocks = "\n".join(rendered(MatrixTable(matrix), width)).split("\n\n")
    lines = [[line.partition(" │ ")[2].split() for line in block.splitlines()] for block in blocks]
    assert sum(len(block[0]) for block in lines) == columns
    for row in range(rows):
        assert [cell for block in lines for cell in block[row + 2]] == cells[row]
    assert all(line[0].startswith("Query ↓") or width < 45 for line in (block.splitlines() for block in blocks))


def test_columns_stand_in_as_few_blocks_as_fit(rendered):
    matrix = table(["a"], [str(place) for place in range(6)], [["0.25"] * 6])
    needed = len("Query ↓ Key → │ ") + 6 * 4 + 5 * 2
    assert len(rendered(MatrixTable(matrix), needed + 1)) == 3  # the ground of the last cell is wider by a space
    tight = needed - 5
    for width in (needed, tight):  # one space between two columns is better than two blocks
        assert [len(line) for line in rendered(MatrixTable(matrix), width)] == [tight] * 3
    assert len(rendered(MatrixTable(matrix), tight - 1)) == len(rendered(MatrixTable(matrix, gap=2), needed)) == 7


def test_a_table_says_how_wide_it_is(console, rendered):
    matrix = table(["a long label"], [f"column {place}" for place in range(4)], [["0.25"] * 4])
    target = console(200)
    _, widest = Measurement.get(target, target.options, MatrixTable(matrix))
    lines = rendered(MatrixTable(matrix), 200)
    assert len(lines) == 3
    assert max(map(cell_len, lines)) <= widest <= max(map(cell_len, lines)) + 1


def test_every_shade_of_the_scale_is_easy_to_read(console):
    matrix = table(["a"], [str(place) for place in range(101)], [["0.5"] * 101])._replace(
        tints=[[place / 100 for place in range(101)]]
    )
    target = console(2000, "truecolor")
    shades = {
        segment.style for segment in target.render(MatrixTable(matrix)) if segment.style and segment.style.bgcolor
    }
    assert len(shades) > 16
    for style in shades:
        front, back = (luminance(one.triplet) for one in (style.color, style.bgcolor))
        assert (max(front, back) + 0.05) / (min(front, back) + 0.05) >= 4.5


def test_infinity_is_as_wide_as_it_looks(rendered):
    matrix = table(["a", "b"], ["x"], [["−∞"], ["0.25"]])
    assert rendered(MatrixTable(matrix), 80)[2:] == ["a             │   −∞", "b             │ 0.25"]
    assert math.isinf(float("−∞".replace("−∞", "-inf")))


@given(columns=st.integers(1, 20), digits=st.integers(1, 6), width=WIDTHS)
@settings(deadline=None, max_examples=80)
def test_a_sum_stands_beside_another_column_where_two_fit(rendered, columns, digits, width):
    cells = [["0." + "1" * digits] * columns + ["1"]] * 2
    names = [f"k{place}" for place in range(columns)]
    matrix = Matrix("Query ↓ Key →", ["a", "b"], [*names, "sum"], cells, [[0.5] * (columns + 1)] * 2, summed=True)
    blocks = "\n".join(rendered(MatrixTable(matrix), width)).split("\n\n")
    heads = [block.splitlines()[0].partition(" │ ")[2].split() for block in blocks]
    assert [name for head in heads for name in head] == [*names, "sum"]
    room = width - 4 - max(1, min(cell_len("Query ↓ Key →"), max(width // 3, 8)))
    assert len(heads[-1]) > 1 or room < digits + 2 + 2 + 3 or max(map(len, heads)) == 1
    assert min(map(len, heads)) >= 1


@pytest.mark.parametrize(("colour", "tinted"), [("truecolor", True), ("256", True), ("standard", False), (None, False)])
def test_numbers_stand_on_their_tints_where_the_console_has_colours(console, colour, tinted):
    matrix = table(["a", "b"], ["x", "y"], [["0.5", "−∞"], ["1", "2"]])._replace(tints=[[0.0, HIDDEN], [1.0, None]])
    target = console(80, colour)
    segments = [one for line in target.render_lines(MatrixTable(matrix), pad=False) for one in line]
    styles = {one.text.strip(): one.style for one in segments if one.text.strip() in ("0.5", "−∞", "1", "2")}
    grounds = {text: bool(style and style.bgcolor) for text, style in styles.items()}
    assert grounds == {"0.5": tinted, "−∞": False, "1": tinted, "2": False}
    assert not tinted or luminance(styles["1"].bgcolor.triplet) > luminance(styles["0.5"].bgcolor.triplet)


@pytest.mark.parametrize(
    ("number", "label"),
    [("0.5", "weight × long…"), ("[0.077 0.019]", "weight × long…"), ("[ 0.0772  0.0193]", "weight × longer")],
)
def test_a_label_is_shortened_unless_its_numbers_are_as_wide(rendered, number, label):
    matrix = Matrix("", ["a"], ["weight × longer"], [[number]], [[None]])
    assert rendered(MatrixTable(matrix), 80)[0].split(" │ ")[1].strip() == label
