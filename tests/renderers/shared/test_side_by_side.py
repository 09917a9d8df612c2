"""Tables side by side: as many as fit, no number lost, the labels of the same rows said once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from attnviz.renderers.shared.matrix import Matrix
from attnviz.renderers.shared.side_by_side import PAGE_WIDTH, Beside, SideBySide
from attnviz.text.display import NATURAL_WIDTH
from tests.support.hard_tokens import TOKENS


def matrix(corner, rows, columns, start=0):
    cells = [[f"{start + 100 * row + column}.5" for column in range(columns)] for row in range(len(rows))]
    return Matrix(corner, list(rows), [str(column) for column in range(columns)], cells, [[0.5] * columns] * len(rows))


def numbers(lines):
    return re.findall(r"\d+\.5", "\n".join(lines))


ROWS = ["a", "b"]


def three(rows=(ROWS, ROWS, ROWS), above=((), (), ())):
    return [
        Beside([Text(word) for word in words], matrix(f"W{place}", names, 3, 1000 * place))
        for place, (names, words) in enumerate(zip(rows, above, strict=True))
    ]


def test_tables_of_the_same_rows_are_one_with_their_names_above(rendered):
    lines = rendered(SideBySide(three()), 80)
    assert [line.split() for line in lines[:2]] == [["W0", "W1", "W2"], ["│", "0", "1", "2"] * 3]
    assert re.fullmatch("─+(┼─+){3}", lines[2])
    assert [line.split()[0] for line in lines[3:]] == ROWS
    assert [line.count("│") for line in lines[3:]] == [3, 3]
    places = [[place for place, sign in enumerate(line) if sign in "│┼"] for line in lines[1:]]
    assert places == [places[0]] * 4
    for name in ("W1", "W2"):  # the name stands above the numbers of its own table
        assert lines[0].index(name) - 2 in places[0]


def test_a_corner_that_holds_those_of_the_others_stays(rendered):
    tables = [Beside([], matrix("Query ↓ Key →", ROWS, 3)), Beside([], matrix("Query", ROWS, 2))]
    assert rendered(SideBySide(tables), 80)[0].startswith("Query ↓ Key → │ ")


def test_tables_of_other_rows_keep_their_labels_and_stand_apart(rendered):
    lines = rendered(SideBySide(three((ROWS, ["c"], ROWS))), 80)
    assert [re.findall(r"[a-c] +│", line) for line in lines[2:]] == [["a  │", "c  │", "a  │"], ["b  │", "b  │"]]
    assert re.fullmatch(r"─+┼─+ +─+┼─+ +─+┼─+", lines[1])
    assert [len(re.findall(r"\d+\.5", line)) for line in lines[2:]] == [9, 6]


def test_words_stand_above_their_own_table_and_are_folded_to_it(rendered):
    above = (("Query", "what it looks for"), ("Key", "what it can be found by, a longer sentence"), ("Value",))
    lines = rendered(SideBySide(three(above=above)), 100)
    empty = lines.index("")
    rule = [place for place, sign in enumerate(lines[empty + 2]) if sign == "┼"]
    assert lines[0].index("Key") == rule[1] + 2
    assert lines[0].index("Value") == rule[2] + 2
    column = " ".join(line[rule[1] : rule[2]].strip() for line in lines[:empty])
    assert column.split() == ["Key", "what", "it", "can", "be", "found", "by,", "a", "longer", "sentence"]


@pytest.mark.parametrize(("width", "tables"), [(200, [3]), (68, [3]), (60, [2, 1]), (30, [1, 1, 1])])
def test_as_many_stand_side_by_side_as_fit(rendered, width, tables):
    lines = rendered(SideBySide(three()), width)
    rules = [line.count("┼") for line in lines if "┼" in line]
    assert rules == tables
    assert len(numbers(lines)) == 18


def test_where_the_page_has_no_end_no_line_gets_longer_than_one_can_read(rendered):
    tables = [Beside([], matrix("W", ROWS, 6, 1000 * place)) for place in range(9)]
    lines = rendered(SideBySide(tables), NATURAL_WIDTH)
    assert max(map(cell_len, lines)) <= PAGE_WIDTH
    wide = rendered(SideBySide([Beside([], matrix("W", ROWS, 40)), Beside([], matrix("V", ROWS, 3))]), NATURAL_WIDTH)
    assert [line.count("┼") for line in wide if "┼" in line] == [1, 1]  # a table alone is as wide as it is


def test_words_do_not_stand_above_a_table_that_is_too_narrow_for_them(rendered):
    tables = [Beside([Text("Query  Q = X W_Q")], matrix("Query", ROWS, 1)) for _ in range(2)]
    lines = rendered(SideBySide(tables), 100)
    assert [line for line in lines if line.startswith("Query  Q = X W_Q")] == ["Query  Q = X W_Q"] * 2


@given(
    rows=st.lists(st.lists(TOKENS, min_size=1, max_size=3), min_size=1, max_size=4),
    columns=st.integers(1, 6),
    width=st.integers(20, 160),
    words=st.text("abc ", max_size=60),
)
@settings(deadline=None, max_examples=60)
def test_every_number_is_there_once_and_no_line_is_wider_than_the_console(rendered, rows, columns, width, words):
    from attnviz.renderers.shared.labels import name

    tables = [
        Beside([Text(words)] if words.strip() else [], matrix("W", [name(one) for one in names], columns, 1000 * place))
        for place, names in enumerate(rows)
    ]
    lines = rendered(SideBySide(tables), width)
    expected = [cell for one in tables for row in one.matrix.cells for cell in row]
    found = re.findall(r"(?<![\d.])\d+\.5(?![\d.])", "\n".join(line for line in lines))
    assert sorted(cell for cell in found if cell in expected) == sorted(expected)
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("colour", ["truecolor", None])
def test_each_number_keeps_its_tint(console, colour):
    target = console(100, colour)
    segments = [one for line in target.render_lines(SideBySide(three()), pad=False) for one in line]
    tinted = [one for one in segments if one.style and one.style.bgcolor and one.text.strip()]
    assert len(tinted) == (18 if colour else 0)


HEADING, SENTENCE = "Value  V = X W_V", "What each token hands over to those that look at it."


@pytest.mark.parametrize(("columns", "beside"), [(1, 1), (2, 3), (3, 3), (9, 1)])
def test_a_heading_above_a_narrow_table_is_one_line(rendered, columns, beside):
    """The columns of a table that is narrower than its heading stand further apart; one that cannot stands alone."""
    tables = [Beside([Text(HEADING), Text(SENTENCE)], matrix("", ROWS, columns, 1000 * place)) for place in range(3)]
    lines = rendered(SideBySide(tables), 100)
    assert lines[0].count(HEADING) == beside
    assert "\n".join(lines).count(HEADING) == 3
    assert len(numbers(lines)) == 3 * 2 * columns
    of_tables = lines[next(place for place, line in enumerate(lines) if "│" in line) :]
    rules = [[place for place, sign in enumerate(line) if sign in "│┼"] for line in of_tables[: 2 + len(ROWS)]]
    assert rules == [rules[0]] * len(rules)
