"""Chapter 5: the textbook's numbers by plain NumPy."""

import numpy
import pytest

X = numpy.array([[0.4, 0.1, 0.8], [0.5, 0.8, 0.6], [0.5, 0.8, 0.6]])
SCORES = X @ X.T
WEIGHTS = numpy.exp(SCORES) / numpy.exp(SCORES).sum(-1, keepdims=True)


def test_the_textbook_s_steps(block, numbers):
    _, inputs, scores = block("self-attention", "textbook-scores")
    _, weights, output = block("self-attention", "textbook-output")
    assert numpy.array(numbers(inputs)) == pytest.approx(X)
    assert numpy.array(numbers(scores)) == pytest.approx(SCORES)
    assert numpy.array(numbers(weights))[:, :3] == pytest.approx(WEIGHTS, abs=1e-4)
    assert numpy.array(numbers(output)) == pytest.approx(WEIGHTS @ X, abs=1e-4)


def test_what_the_textbook_prints_is_told_beside_what_is_computed(block):
    [sentence] = block("self-attention", "printed")
    first = (WEIGHTS @ X)[0, 0]
    assert f"{first:.6f}, so {first:.4f}" in sentence
    assert "prints 0.4656 as the first number for `Your`" in sentence
    assert f"{first:.4f}" == "0.4655"


def test_where_a_word_looks_most_is_the_largest_of_its_row(block, numbers):
    assert block("self-attention", "question") == ("Which word will `starts` look at most?",)
    sentence, table = block("self-attention", "weights", text="a b c d")
    row = numbers(table)[2][:4]
    assert sentence == f"`c` looks most at `{'abcd'[row.index(max(row))]}` ({max(row):.2f})."
