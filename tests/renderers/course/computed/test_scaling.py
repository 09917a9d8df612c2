"""Chapter 2: the spread grows like √d, and the scale undoes that."""

import math

import numpy
import pytest


def test_the_spread_grows_with_the_root_and_the_scale_keeps_it_at_one(block, numbers):
    table, note = block("scaling", "spread")
    rows = numbers(table)
    assert table.rows[:2] == ["d = 3", "d = 3, ÷ √3"]
    for (plain, _), (scaled, _), dimension in zip(rows[::2], rows[1::2], (3, 64, 512), strict=True):
        assert plain == pytest.approx(math.sqrt(dimension), rel=0.05)
        assert scaled == pytest.approx(1, abs=0.05)
    assert rows[0][1] > rows[2][1] > rows[4][1]  # entropy falls without the scale
    assert min(row[1] for row in rows[1::2]) > 2.4
    assert "3 bits if all 8 keys" in note


def test_the_drawn_numbers_are_those_of_any_other_reckoning(block, numbers):
    """The mean of many draws by plain NumPy, with other seeds."""
    table, _ = block("scaling", "spread")
    draw = numpy.random.default_rng(7)
    scores = numpy.einsum("nd,nkd->nk", draw.standard_normal((4000, 64)), draw.standard_normal((4000, 8, 64))) / 8
    weights = numpy.exp(scores) / numpy.exp(scores).sum(-1, keepdims=True)
    entropy = -(weights * numpy.log2(weights)).sum(-1).mean()
    assert numbers(table)[3][1] == pytest.approx(entropy, abs=0.06)
    largest, _ = block("scaling", "largest")
    assert float(largest.cells[1][1].removesuffix(" %")) == pytest.approx(100 * weights.max(-1).mean(), abs=2)


def test_the_answer_is_the_last_row(block):
    table, sentence = block("scaling", "largest")
    assert sentence == f"At d = 512: {table.cells[2][0]} without scaling, {table.cells[2][1]} with it."
    assert "12.5 %" in block("scaling", "question")[0]
    assert "400 queries meet 8 keys" in block("scaling", "drawn")[0]


def test_a_sentence_is_divided_by_the_root_of_its_vectors(block, numbers):
    caption, table = block("scaling", "sentence")
    assert "`starts`; its vectors have 3 numbers" in caption
    assert all(scaled == pytest.approx(score / math.sqrt(3), abs=1e-4) for score, scaled in numbers(table))
