"""How numbers are written."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from attnviz.choices import Pool
from attnviz.renderers.shared import numbers

ORDINARY = st.floats(-1e6, 1e6, allow_subnormal=False)
ANY = st.floats(-1e300, 1e300) | st.just(-math.inf) | st.sampled_from([0.0, -0.0, 1e-12, -1e-12])
MATRICES = array_shapes(min_dims=2, max_dims=2, max_side=5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.25, "1.25"),
        (0.72168783, "0.7217"),
        (3.0, "3"),
        (0.0, "0"),
        (-0.0, "0"),
        (-0.5, "-0.5"),
        (0.1 + 0.2, "0.3"),
        (-math.inf, "−∞"),
        (9_999_999.0, "9999999"),
        (1e7, "1.000e+07"),
        (1e-5, "1.000e-05"),
        (-2.5e-9, "-2.500e-09"),
    ],
)
def test_a_number_has_the_fewest_digits_that_say_all(value, text):
    assert numbers.number(value, 4) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(-1e9, "−1e+09"), (-3.4028e38, "−3.4e+38"), (-1.5e-7, "−1.5e-07"), (0.1254, "0.125"), (0.0, "0")],
)
def test_a_number_in_a_sentence_has_three_digits_and_a_minus_sign(value, text):
    assert numbers.brief(value) == text


@pytest.mark.parametrize(("precision", "text"), [(0, "3"), (1, "3.1"), (2, "3.14"), (8, "3.14159265")])
def test_precision_is_the_most_decimals(precision, text):
    assert numbers.number(math.pi, precision) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.4, 0.1], "[0.4 0.1]"),
        ([0.577], "[0.58]"),
        ([-0.577], "[-0.58]"),
        ([0.004], "[4.0e-03]"),
        ([1.4, 0.3], "[1 0]"),
    ],
)
def test_no_decimals_are_two_where_they_would_say_nothing_but_0(values, text):
    assert numbers.vector(numpy.array(values), 0) == text


@given(values=arrays(float, MATRICES, elements=ANY))
def test_a_number_that_is_not_0_is_in_no_table_of_zeros(values):
    cells = [float(cell.replace("−∞", "-inf")) for cell in numpy.ravel(numbers.matrix(values, 0))]
    assert any(cells) == bool(values.any())


@given(values=arrays(float, MATRICES, elements=ORDINARY), precision=st.integers(0, 8))
def test_fixed_decimals_are_the_same_in_every_cell(values, precision):
    cells = [cell for row in numbers.matrix(values, precision) for cell in row]
    fixed = [cell for cell in cells if "e" not in cell]
    assert len({len(cell.partition(".")[2]) for cell in fixed}) <= 1
    assert len(fixed) in (0, len(cells))


@given(values=arrays(float, MATRICES, elements=ORDINARY), precision=st.integers(0, 8))
def test_a_fixed_number_is_off_by_half_a_unit_of_its_last_decimal_at_most(values, precision):
    for value, cell in zip(values.ravel(), numpy.ravel(numbers.matrix(values, precision)), strict=True):
        unit = 10.0 ** -len(cell.partition("e")[0].partition(".")[2]) * 10.0 ** int(cell.partition("e")[2] or 0)
        # Noise of a float at its own size is no digit: 0.1 + 0.2 is written 0.3.
        assert abs(float(cell) - value) <= unit / 2 + 1.1e-9 * max(abs(value), 1)


@given(values=arrays(float, MATRICES, elements=ANY), precision=st.integers(0, 8))
def test_zero_never_has_a_sign(values, precision):
    for cell in numpy.ravel(numbers.matrix(values, precision)):
        assert not (cell.startswith("-") and float(cell) == 0)


@given(values=arrays(float, MATRICES, elements=ANY), precision=st.integers(0, 8))
def test_minus_infinity_is_written_as_on_paper_and_nothing_else_is(values, precision):
    cells = numpy.array(numbers.matrix(values, precision)).reshape(values.shape)
    assert ((cells == "−∞") == (values == -math.inf)).all()


@given(value=st.floats(1e7, 1e300) | st.floats(1e-300, 0.99e-4), sign=st.sampled_from([1, -1]))
def test_numbers_too_large_or_too_small_for_fixed_decimals_keep_four_digits(value, sign):
    text = numbers.number(sign * value, 4)
    assert "e" in text
    assert float(text) == pytest.approx(sign * value, rel=0.5e-3)


def test_one_cell_of_a_matrix_may_be_small_beside_others():
    assert numbers.matrix(numpy.array([[1.5, 1e-9]]), 4) == [["1.5", "0.0"]]


@pytest.mark.parametrize(
    ("values", "most", "text"),
    [
        ([0.4, 0.1, 0.8], 4, "[0.4 0.1 0.8]"),
        ([1.0, 2.0, 3.0], 3, "[1 2 3]"),
        ([1.0, 2.0, 3.0, 4.5], 3, "[1 2 3 …]"),
        ([-1.0, 0.25], 4, "[-1.00 0.25]"),
    ],
)
def test_a_vector_is_cut_visibly(values, most, text):
    assert numbers.vector(numpy.array(values), 4, most) == text


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (-0.5, "(-0.5)"), (-0.0, "0"), (-3e-9, "(-3.000e-09)")])
def test_a_negative_factor_stands_in_brackets(value, text):
    assert numbers.factor(value, 4) == text


@pytest.mark.parametrize(
    ("values", "precision", "texts"),
    [
        ([0.9998, 1.4e-5, 0.0], 4, ["0.9998", "1.4e-05", "0"]),
        ([0.9998, 9.6e-5], 4, ["0.9998", "9.6e-05"]),
        ([0.9998, 1e-4], 4, ["0.9998", "0.0001"]),
        ([0.9, 0.004], 2, ["0.90", "0.0040"]),
        ([1.0, 1e-10], 4, ["1", "1.0e-10"]),
        ([1.0, 0.25], 0, ["1", "0.25"]),
        ([0.9998, 1.4e-5], 6, ["0.999800", "0.000014"]),
    ],
)
def test_a_small_share_is_not_written_as_none(values, precision, texts):
    assert numbers.shares(numpy.array(values), precision) == texts


def test_a_share_in_a_sentence_has_two_digits_as_in_a_table():
    shares = (5e-6, 1.04e-4, 0.005, 0.00996, 0.01, 0.0)
    assert [*map(numbers.share, shares)] == ["5.0e-06", "0.00010", "0.0050", "0.010", "0.01", "0.00"]


@given(values=arrays(float, st.integers(1, 8), elements=st.floats(0, 1e4)), precision=st.integers(0, 8))
def test_a_share_is_0_where_it_is_written_so_and_is_off_by_little(values, precision):
    for value, text in zip(values.tolist(), numbers.shares(values, precision), strict=True):
        assert (float(text) == 0) == (value == 0)
        assert float(text) == pytest.approx(
            value, rel=0.051, abs=0.51 * 10.0**-precision if value >= 10.0**-precision else 0
        )


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (1e-5, "< 0.1 %"),
        (0.002, "0.2 %"),
        (0.5, "50 %"),
        (0.996, "99.6 %"),
        (1 - 1e-7, "> 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_in_per_cent_is_neither_none_nor_all_unless_it_is(share, text):
    assert numbers.brief_percent(share) == text


def test_the_cells_of_a_map_are_counted_in_words():
    assert numbers.pooled_cells((19, 1024), (16, 1), Pool.MAX) == "19 × 1,024 cells of 16 × 1 tokens, max"


def test_whole_numbers_need_no_decimals():
    assert numbers.matrix(numpy.array([[1, -2], [30, 0]]), 4) == [["1", "-2"], ["30", "0"]]


@pytest.mark.parametrize(("value", "text"), [(1.5, "1.5"), (0.5, "0.5"), (-2.5, "-2.5")])
def test_the_last_bits_of_a_coarse_type_are_no_digits(value, text):
    bit = numpy.spacing(numpy.float32(value))
    for bits in (-2, -1, 0, 1, 2):
        assert numbers.matrix(numpy.array([[value + bits * bit]], dtype=numpy.float32), 8) == [[text]]
    for bits in (-32, 32):
        assert numbers.matrix(numpy.array([[value + bits * bit]], dtype=numpy.float32), 8) != [[text]]


@pytest.mark.parametrize(
    ("values", "words"),
    [([0.4, 0.5], ["0.3999", "0.5000"]), ([128.125, 2], ["128.125", "2.000"]), ([60000, -60000], ["60000", "-60000"])],
)
def test_half_precision_is_written_as_the_numbers_that_it_is(values, words):
    """What is computed from it is in single precision, whose last bits are much finer."""
    assert numbers.matrix(numpy.array([values], dtype=numpy.float16), 4) == [words]
    assert numbers.matrix(numpy.array([values], dtype=numpy.float16).astype(numpy.float32), 4) == [words]


def test_a_vector_writes_no_small_number_as_0():
    assert numbers.vector(numpy.array([0.3, -2.04e-5, 0.0]), 4) == "[0.3000 -2.0e-05 0.0000]"


def test_a_small_number_of_a_table_is_not_written_like_0():
    values = numpy.array([[0.3, 2.04e-5, -1.2e-6], [0.0, 1e-12, -math.inf]])
    assert numbers.cells(values, 4) == [["0.3000", "2.0e-05", "-1.2e-06"], ["0.0000", "0.0000", "−∞"]]


def test_a_table_of_small_numbers_keeps_their_digits():
    values = numpy.array([[0.0003112, -0.00001987, 0.0]])
    assert numbers.cells(values, 4) == [["3.112e-04", "-1.987e-05", "0.0000"]]
    assert numbers.cells(values, 2) == numbers.matrix(values, 2)  # exponents already
    assert numbers.cells(numpy.array([[0.0005, 0.0002]]), 4) == [["0.0005", "0.0002"]]  # which says all


@pytest.mark.parametrize("precision", range(7))
@given(arrays("float64", (2, 3), elements=st.floats(-1e3, 1e3, allow_subnormal=False)))
@settings(deadline=None, max_examples=30)
def test_a_cell_is_as_exact_as_before_and_0_only_where_it_is_none(precision, values):
    largest = numpy.abs(values).max()
    written = zip(numbers.cells(values, precision), numbers.matrix(values, precision), values, strict=True)
    for cell, word, value in (one for rows in written for one in zip(*rows, strict=True)):
        assert abs(float(cell) - value) <= abs(float(word) - value) * (1 + 1e-9) + 1e-15
        assert float(cell) != 0 or abs(value) <= 1e-7 * largest


@pytest.mark.parametrize(
    ("value", "precision", "text"),
    [
        (math.exp(-8.8116), 4, "1.490e-04"),
        (0.003639, 4, "3.639e-03"),
        (0.0123, 4, "0.0123"),
        (0.005, 4, "0.005"),
        (1.25, 4, "1.25"),
        (0.0, 4, "0"),
        (0.004, 1, "4e-03"),
        (-math.inf, 4, "−∞"),
    ],
)
def test_a_number_to_compute_with_keeps_its_digits(value, precision, text):
    assert numbers.significant(value, precision) == text
