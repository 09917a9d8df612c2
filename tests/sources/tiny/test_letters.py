"""How a word is read by its letters."""

from __future__ import annotations

import pytest

from attnviz.sources.tiny.letters import A_WORD, LAST_LETTERS, ROWS, spelling


@pytest.mark.parametrize("word", ["wug", "the", "a", "", ".", "été", "語", "don't", "x" * 1000])
def test_every_word_has_as_many_rows_of_the_table(word):
    rows = spelling(word)
    assert len(rows) == A_WORD
    assert all(0 <= row < ROWS for row in rows)


def test_words_that_end_alike_share_the_rows_of_their_ending():
    assert set(spelling("wugs")) & set(spelling("blicks")) == {ord("s") - ord("a")}
    assert len(set(spelling("wugs")) & set(spelling("bugs"))) >= 3  # s, gs, ugs
    assert len(set(spelling("wugs")) & set(spelling("wug"))) >= 3  # w, wu, wug


def test_the_last_letter_has_a_row_of_its_own():
    lasts = [spelling(letter)[0] for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert lasts == list(range(26))
    assert spelling("é")[0] == spelling("!")[0] == spelling("")[0] == LAST_LETTERS - 1
    assert all(row >= LAST_LETTERS for row in spelling("wugs")[1:])


def test_upper_and_lower_case_read_alike():
    assert spelling("Your") == spelling("your") == spelling("YOUR")


def test_the_rows_are_the_same_for_ever():
    """A trained file's vectors belong to them: s is the 18th letter, then CRC-32 of -gs, -ugs, w-, wu- and wug-, modulo 229."""
    assert spelling("wugs") == (18, 27 + 41, 27 + 44, 27 + 1, 27 + 24, 27 + 72)
