"""Heads are cut out of rows and put back, and several may share their keys."""

from __future__ import annotations

import numpy
import pytest
from attention_arrays import normal
from case_bounds import require_same
from numpy.testing import assert_array_equal
from strategies import Case
from tolerances import Arithmetic, require_near

from attnviz.attention.heads import concat_heads, grouped_product, split_heads
from attnviz.errors import AttnvizError


def test_grouped_heads_equal_repeated_heads():
    query, key, value = normal(6, 4, 3), normal(2, 5, 3), normal(2, 5, 2)
    repeated = Case(query, numpy.repeat(key, 3, axis=0), numpy.repeat(value, 3, axis=0), {})
    require_same(Case(query, key, value, {}), repeated)


def test_splitting_heads_takes_slices_of_each_row_and_concat_puts_them_back():
    rows = normal(5, 12)
    heads = split_heads(rows, 3)
    for number, head in enumerate(heads):
        assert_array_equal(head, rows[:, 4 * number : 4 * number + 4])
    assert_array_equal(concat_heads(heads), rows)


@pytest.mark.parametrize("heads", [0, -1, 5])
def test_dimensions_that_do_not_divide_into_heads(heads):
    with pytest.raises(AttnvizError, match=f"12 dimensions do not divide into {heads} heads"):
        split_heads(normal(5, 12), heads)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_products_of_grouped_heads_are_those_of_each_head(batch):
    left, right = normal(*batch, 6, 4, 3), normal(*batch, 2, 3, 5)
    product = grouped_product(numpy, left, right)
    for head in range(6):
        one, other = left[..., head, :, :], right[..., head // 3, :, :]
        off = Arithmetic.of(float).gamma(3) * (abs(one) @ abs(other))  # of each of the two products
        require_near(product[..., head, :, :], one @ other, 2 * off)
    assert_array_equal(grouped_product(numpy, left[0], left[0].swapaxes(-1, -2)), left[0] @ left[0].swapaxes(-1, -2))
