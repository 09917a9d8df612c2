"""Tables of numbers, decided before they are drawn."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz import Layer, Projection
from attnviz.choices import Language
from attnviz.renderers.shared.matrix import HIDDEN, Looks, MatrixMaker, without_middle
from attnviz.text.lessons import lessons
from attnviz.trace.selection import LayerSelection
from attnviz.trace.steps import Owner, Rows, StepFacts

COUNTS, CUTS = st.integers(1, 60), st.integers(1, 20)


def maker(queries, keys, *, query=None, key=None, kept=(None, None), **looks):
    names = [f"q{place}" for place in range(queries)], [f"k{place}" for place in range(keys)]
    layer = Layer(numpy.zeros((queries, 1)), numpy.zeros((keys, 1)), numpy.zeros((keys, 1)))
    return MatrixMaker(LayerSelection(layer, (0,), query, key, *kept), Looks(lessons(Language.EN), **looks), *names)


def numbered(rows, columns):
    """A table in which every cell is another number."""
    return numpy.arange(rows * columns, dtype=float).reshape(rows, columns)


@given(rows=COUNTS, columns=COUNTS, most=CUTS)
def test_what_is_cut_is_said_and_counted(rows, columns, most):
    matrix = maker(rows, columns, max_tokens=most).of_cells(numbered(rows, columns))
    for count, prefix, labels in ((rows, "q", matrix.rows), (columns, "k", matrix.columns)):
        kept = [label for label in labels if label.startswith(prefix)]
        cut = [label for label in labels if not label.startswith(prefix)]
        assert cut == ([] if count <= most else [f"… {count - most} more …"])
        assert len(kept) == min(count, most)
        assert kept[0] == f"{prefix}0"
        assert most == 1 or kept[-1] == f"{prefix}{count - 1}"


@given(rows=COUNTS, columns=COUNTS, most=CUTS)
def test_every_cell_stands_under_its_own_labels(rows, columns, most):
    values = numbered(rows, columns)
    matrix = maker(rows, columns, max_tokens=most).of_cells(values)
    assert len(matrix.cells) == len(matrix.tints) == len(matrix.rows)
    for label, cells in zip(matrix.rows, matrix.cells, strict=True):
        for name, cell in zip(matrix.columns, cells, strict=True):
            cut = "…" in label or "…" in name
            assert cell == ("…" if cut else f"{values[int(label[1:]), int(name[1:])]:.0f}")


def test_the_cut_counts_thousands_apart():
    assert maker(2000, 1, max_tokens=16).of_cells(numbered(2000, 1)).rows[8] == "… 1,984 more …"


def test_a_cut_of_one_keeps_the_first():
    assert maker(3, 1, max_tokens=1).of_cells(numbered(3, 1)).rows == ["q0", "… 2 more …"]


@given(values=st.lists(st.floats(-100, 100) | st.just(-math.inf), min_size=1, max_size=12))
def test_tints_are_in_the_order_of_the_values(values):
    array = numpy.array([values])
    matrix = maker(1, len(values)).of_cells(array)
    seen = [(value, tint) for value, tint in zip(values, matrix.tints[0], strict=True) if value > -math.inf]
    assert all(0 <= tint <= 1 for _, tint in seen)
    assert [tint for _, tint in sorted(seen)] == sorted(tint for _, tint in seen)
    for value, tint in zip(values, matrix.tints[0], strict=True):
        assert (tint == HIDDEN) == (value == -math.inf)


def test_the_smallest_and_the_largest_value_have_the_ends_of_the_scale():
    assert maker(1, 3).of_cells(numpy.array([[-2.0, 0.0, 2.0]])).tints == [[0.0, 0.5, 1.0]]


def test_the_tints_of_half_precision_reach_from_its_smallest_to_its_largest_number():
    ends = numpy.array([[-60000, 0, 60000]], numpy.float16)  # whose difference it does not have
    assert maker(1, 3).of_cells(ends).tints == [[0.0, 0.5, 1.0]]


def test_tints_compare_what_is_shown_alone():
    matrix = maker(2, 2, query=1).of_cells(numpy.array([[-50.0, 50.0], [1.0, 2.0]]))
    assert matrix.tints == [[0.0, 1.0]]


def test_cells_that_are_all_equal_have_one_tint():
    (tints,) = maker(1, 3).of_cells(numpy.full((1, 3), 0.25)).tints
    assert len(set(tints)) == 1


def test_cells_that_are_all_hidden_are_tinted_hidden():
    assert maker(1, 2).of_cells(numpy.full((1, 2), -math.inf)).tints == [[HIDDEN, HIDDEN]]


def test_weights_are_tinted_from_zero_and_their_hidden_cells_are_no_small_weights():
    weights, hidden = numpy.array([[0.5, 0.5, 0.0]]), numpy.array([[False, False, True]])
    matrix = maker(1, 3).of_weights(weights, hidden)
    assert matrix.tints == [[1.0, 1.0, HIDDEN, None]]
    assert maker(1, 2).of_weights(numpy.array([[0.25, 0.5]]), numpy.zeros((1, 2), bool)).tints == [[0.5, 1.0, None]]


@given(rows=COUNTS, most=CUTS, data=st.data())
def test_weights_have_the_sum_of_their_own_row(rows, most, data):
    query = data.draw(st.none() | st.integers(0, rows - 1))
    weights = numbered(rows, 2)
    matrix = maker(rows, 2, max_tokens=most, query=query).of_weights(weights, numpy.zeros(weights.shape, bool))
    assert matrix.columns[-1] == "sum"
    for label, cells in zip(matrix.rows, matrix.cells, strict=True):
        assert cells[-1] == ("…" if "…" in label else f"{weights[int(label[1:])].sum():.0f}")


def test_a_row_sums_over_the_keys_that_are_not_shown_as_well():
    matrix = maker(1, 4, key=2).of_weights(numpy.full((1, 4), 0.25), numpy.zeros((1, 4), bool))
    assert (matrix.columns, matrix.cells) == (["k2", "sum"], [["0.25", "1"]])


def test_only_the_query_and_the_key_asked_for_are_shown():
    matrix = maker(40, 50, query=20, key=30).of_cells(numbered(40, 50))
    assert (matrix.rows, matrix.columns, matrix.cells) == (["q20"], ["k30"], [["1030"]])


@pytest.mark.parametrize(
    ("method", "corner", "rows"),
    [("of_tokens", "token", ["q0", "q1"]), ("of_queries", "Query", ["q1"]), ("of_keys", "Key", ["k0"])],
)
def test_vectors_have_numbered_columns_and_obey_the_selection_of_their_side(method, corner, rows):
    matrix = getattr(maker(2, 2, query=1, key=0), method)(numbered(2, 3))
    assert (matrix.corner, matrix.rows, matrix.columns) == (corner, rows, ["0", "1", "2"])


def test_the_bias_of_a_projection_is_a_row_of_its_own():
    projection = Projection(numbered(2, 4), numpy.array([9.0, 8.0, 7.0, 6.0]))
    matrix = maker(1, 1).of_projection("W_Q", projection, slice(2, 4))
    assert (matrix.corner, matrix.rows) == ("W_Q", ["0", "1", "bias"])
    assert matrix.cells == [["2", "3"], ["6", "7"], ["7", "6"]]


def test_what_is_left_out_is_in_no_row_no_column_and_no_sum():
    weights = numpy.full((4, 4), 0.25)
    matrix = maker(4, 4, kept=((1, 3), (0, 1, 3))).of_weights(weights, weights < 0)
    assert matrix.rows == ["q1", "q3"]
    assert matrix.columns == ["k0", "k1", "k3", "sum"]
    assert [row[-1] for row in matrix.cells] == ["0.75", "0.75"]
    assert maker(4, 4, kept=((1, 3), (0, 1, 3)), key=1).of_weights(weights, weights < 0).cells == [["0.25", "0.75"]] * 2
    assert maker(4, 4, kept=((1, 3), None)).of_queries(numbered(4, 2)).cells == [["2", "3"], ["6", "7"]]
    assert maker(4, 4, kept=(None, (0, 2))).of_keys(numbered(4, 1)).cells == [["0"], ["2"]]


@given(count=st.integers(6, 40), most=st.integers(2, 10))
def test_of_many_that_are_left_the_middle_is_cut_and_counted(count, most):
    kept = tuple(range(1, count, 2))
    rows = maker(count, 1, kept=(kept, None), max_tokens=most).of_cells(numbered(count, 1)).rows
    names = [f"q{place}" for place in kept]
    if len(kept) <= most:
        assert rows == names
    else:
        before = math.ceil(most / 2)
        assert rows == [*names[:before], f"… {len(kept) - most} more …", *names[len(kept) - most // 2 :]]


@given(count=st.integers(0, 30), most=st.integers(2, 12))
def test_a_long_list_keeps_its_ends(count, most):
    kept = without_middle(list(range(count)), most, None)
    assert kept == list(range(count)) or (kept.count(None), len(kept)) == (1, most + 1)
    if count > most:
        at = kept.index(None)
        assert kept[:at] == list(range(at))
        assert kept[at + 1 :] == list(range(count - len(kept) + at + 1, count))
        assert at in (most // 2, (most + 1) // 2)


@pytest.mark.parametrize(
    ("rows", "is_map", "labels"),
    [
        (Rows.QUERIES, True, ["q0", "q2"]),
        (Rows.QUERIES, False, ["q0", "q2"]),
        (Rows.TOKENS, False, ["q0", "q2"]),
        (Rows.KEYS, False, ["k1", "k2"]),
        (Rows.DIMENSIONS, False, ["0", "1", "2"]),
    ],
)
def test_the_array_of_any_step_has_the_rows_that_it_stands_for(rows, is_map, labels):
    facts = StepFacts(Owner.HEAD, rows, lambda _: None, is_map=is_map)
    matrix = maker(3, 3, kept=((0, 2), (1, 2))).of_step(facts, numbered(3, 3))
    assert matrix.rows == labels
    assert matrix.columns == (["k1", "k2"] if is_map else ["0", "1", "2"])
    places = [int(label[-1]) for label in labels], [int(label[-1]) for label in matrix.columns]
    assert numpy.array_equal(numpy.array(matrix.cells, float), numbered(3, 3)[numpy.ix_(*places)])
