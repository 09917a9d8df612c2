"""Where a token, or a position, stands among tokens."""

from __future__ import annotations

import pytest

from attnviz.text.search import BEYOND, find, folded, whole_number


@pytest.mark.parametrize(
    ("wanted", "positions"),
    [
        ("cat", [1]),
        ("The", [0]),
        ("the", [3]),
        ("THE", [0, 3]),
        ("2", [4]),
        ("3", [3]),
        ("·", [2]),
        (" ", [2]),
        ("5", []),
        ("dog", []),
        ("-1", []),
        ("9" * 5000, []),
    ],
    ids=lambda value: str(value)[:8],
)
def test_a_token_is_found_by_its_text_then_by_its_position(wanted, positions):
    assert find(["The", "cat", " ", "the", "2"], wanted) == positions


@pytest.mark.parametrize(
    ("wanted", "positions"),
    [("@1", [1]), ("@3", [3]), ("@9", []), ("@cat", [2]), ("@CAT", [2]), ("@", [4]), ("1", [1])],
)
def test_an_at_sign_with_a_number_is_a_position_even_beside_such_a_token(wanted, positions):
    assert find(["@3", "@9", "@cat", "@1", "@"], wanted) == positions


@pytest.mark.parametrize(
    ("word", "number"),
    [("7", 7), ("007", 7), ("1,000", 1000), ("0", 0), ("000", 0), ("9" * 16, BEYOND), ("9" * 5000, BEYOND)],
)
def test_a_number_is_read_however_long_it_is(word, number):
    assert whole_number(word) == number


@pytest.mark.parametrize(
    ("tokens", "wanted", "positions"),
    [
        (["John", "met", " John"], "John", [0]),
        (["John", "met", " John"], " John", [2]),
        (["John", "met", " John"], "·John", [2]),
        (["John", "met", " John"], " john", [2]),
        (["Mary", "met", "John"], " John", [2]),
        (["Mary", "met", "John"], "·john", [2]),
        (["Mary", "met", " John", " John"], "John", [2, 3]),
        (["Mary", "met", " 2", "·"], "2", [2]),
        (["a", " ", "b"], " ", [1]),
        (["a", "", "b"], " ", []),
        (["a", "  b"], " b", []),
    ],
)
def test_the_space_in_front_tells_two_tokens_apart_where_both_stand(tokens, wanted, positions):
    assert find(tokens, wanted) == positions


def test_words_are_the_same_whatever_their_case_and_encoding():
    assert folded("KHÔNG") == folded("kho\u0302ng")
    assert folded("Your") == "your"
    assert folded("a") != folded("á")


@pytest.mark.parametrize(
    ("wanted", "places"), [("cat", [1]), ("CAT", [1]), ("B:a", [2]), ("a", [0, 2]), ("[sep]", [3]), ("A:", [])]
)
def test_a_token_of_a_pair_is_found_with_its_mark_or_without(wanted, places):
    assert find(["A:a", "A:cat", "B:a", "[SEP]"], wanted) == places
