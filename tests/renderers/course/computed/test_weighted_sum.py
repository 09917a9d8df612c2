"""Chapter 4: the products add up to the output."""

import numpy
import pytest

from attnviz import trace_text


def vector(text):
    return numpy.array(text.strip("[]").split(), float)


def test_the_products_add_up_to_the_output(block):
    caption, table = block("weighted-sum", "terms")
    assert "`starts`" in caption
    *rows, (ones, _, total) = table.cells
    for weight, value, product in rows:
        assert vector(product) == pytest.approx(float(weight) * vector(value), abs=2e-4)
    assert ones == "1"
    assert vector(total) == pytest.approx(sum(vector(product) for _, _, product in rows), abs=5e-4)
    output = trace_text("Your journey starts with one step").layers[0].steps(0).output[2]
    assert vector(total) == pytest.approx(output, abs=1e-4)


def test_a_long_sentence_is_cut(block):
    _, table = block("weighted-sum", "terms", text=" ".join("abcdefghijkl"))
    assert table.rows[-2:] == ["…", "sum"]


def test_the_word_before_and_after(block):
    before, after = block("weighted-sum", "changed")
    assert "`starts` was [0.5 0.8 0.6]" in before
    assert "[-0.0626 0.4707 0.6459]" in after


def test_all_weight_on_one_word_copies_its_value(block):
    [question] = block("weighted-sum", "question")
    assert question == "If `starts` gave all its weight to `one`, what would its output be?"
    [answer] = block("weighted-sum", "only")
    assert answer.startswith("[-0.5 -1.1 -1.9], which is just the Value of `one`.")
