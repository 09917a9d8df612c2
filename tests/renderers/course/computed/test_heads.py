"""Chapter 7: Concat keeps heads apart, W_O mixes them."""

import numpy
import pytest

from attnviz import trace_text

LAYER = trace_text("Your journey starts with one step", heads=2).layers[0]


def test_each_head_has_a_row_of_its_own(block, numbers):
    caption, table = block("heads", "weights")
    assert "`starts` looks at, in 2 heads" in caption
    for head, row in enumerate(numbers(table)):
        assert row == pytest.approx(LAYER.steps(head).weights[2].tolist(), abs=0.006)


def test_concat_is_the_heads_in_a_row_and_w_o_a_product(block, numbers):
    sizes, _, outputs, together = block("heads", "concat")
    assert "So far a word's vector had 3 numbers. For 2 heads it has 8 here." in sizes
    assert "2 × 4 = 8" in sizes
    concat, projected = numbers(together)
    assert concat == [number for row in numbers(outputs) for number in row]
    exact = numpy.concatenate([LAYER.steps(head).output[2] for head in range(2)])
    assert projected == pytest.approx((exact @ LAYER.projections["output"].weight).tolist(), abs=0.006)


def test_without_a_head_only_its_columns_change_until_w_o(block):
    assert "Take the last head away" in block("heads", "question")[0]
    assert block("heads", "without") == ("In Concat 4 of 8, the columns of that head. After W_O 8 of 8.",)
