"""Chapter 6: what lies ahead is hidden, old rows stay, and each word that is written is read at the next step."""

import pytest

from attnviz import generate


def test_what_lies_ahead_is_hidden(block):
    [masked] = block("causal-attention", "masked")
    [weights] = block("causal-attention", "weights")
    for row in range(6):
        assert [cell == "−∞" for cell in masked.cells[row]] == [column > row for column in range(6)]
        assert [cell == "·" for cell in weights.cells[row][:6]] == [column > row for column in range(6)]
        assert sum(map(float, weights.cells[row][: row + 1])) == pytest.approx(1, abs=3e-4)


@pytest.mark.parametrize("text", ["a b c", "Your journey starts with one step", "a"])
def test_another_word_changes_no_row_or_all(block, text):
    count = len(text.split())
    assert f"of the {count} rows" in block("causal-attention", "question", text=text)[0]
    causal, other = block("causal-attention", "changed", text=text)
    assert f"0 of {count}." in causal
    assert f"{count} of {count}," in other


def test_each_step_reads_what_the_one_before_chose(block):
    [table] = block("causal-attention", "written")
    trace = generate("tiny", "Your journey starts", 4)
    assert [row[1] for row in table.cells] == list(trace.generation.chosen)
    assert table.cells[0][0] == "Your journey starts"
    assert table.cells[1][0] == f"Your journey starts {table.cells[0][1]}"
    assert [row[2] for row in table.cells] == [f"{100 * share:.0f} %" for share in trace.generation.probabilities]
    assert all(row[3] != row[1] for row in table.cells)


def test_a_long_beginning_is_cut_at_a_word(block):
    [table] = block("causal-attention", "written", text="unbelievable considerations notwithstanding")
    assert table.cells[0][0].startswith("… ")
    assert table.cells[0][0].endswith(" notwithstanding")
