"""Chapter 3: e^x and shares, by Python's own exp."""

import math

import pytest


def test_a_row_is_its_powers_and_their_shares(block, numbers):
    _, table = block("softmax", "row")
    *rows, sums = numbers(table)
    total = sum(math.exp(x) for x, _, _ in rows)
    for x, power, weight in rows:
        assert power == pytest.approx(math.exp(x), abs=2e-4)
        assert weight == pytest.approx(math.exp(x) / total, abs=1e-4)
    assert sums == pytest.approx([total, 1], abs=1e-3)


def test_a_long_sentence_is_cut_and_summed_whole(block):
    _, table = block("softmax", "row", text=" ".join(f"w{place}" for place in range(20)))
    assert table.rows[-2:] == ["…", "sum"]
    assert len(table.rows) == 8 + 2
    assert table.cells[-1][2] == "1"


def test_a_shift_changes_nothing_and_a_factor_sharpens(block, numbers):
    [table] = block("softmax", "changed")
    same, shifted, larger, smaller = numbers(table)
    assert same == shifted
    assert max(larger) > max(same) > max(smaller)
    assert sum(larger) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(("text", "weight"), [("a b c d", "0.25"), ("a b", "0.5")])
def test_equal_scores_share_alike_and_a_hidden_one_gets_nothing(block, text, weight):
    count = len(text.split())
    each, hidden = block("softmax", "equal", text=text)
    assert each.startswith(f"{weight}: each key gets 1/{count}.")
    assert "gets the weight 0," in hidden
    assert f"all {count} scores" in block("softmax", "question", text=text)[0]


@pytest.mark.parametrize(
    ("language", "asked", "each"),
    [
        ("en", "There is only one score in the row.", "1: the one key gets everything."),
        ("vi", "Trong hàng chỉ có một điểm số.", "1: Key duy nhất được tất cả."),
    ],
)
def test_of_a_single_word_the_row_has_one_score(block, language, asked, each):
    assert block("softmax", "question", text="hello", language=language)[0].startswith(asked)
    assert block("softmax", "equal", text="hello", language=language)[0] == each
