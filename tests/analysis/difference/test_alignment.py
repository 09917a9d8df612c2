"""Which tokens of two texts are the same: held against the definition, and against difflib itself on small texts."""

from __future__ import annotations

import time
from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz.analysis.difference.alignment import Side, align, align_tokens

TOKENS = st.lists(st.sampled_from("abcd"), max_size=12).map(tuple)


def words(text):
    return tuple(text.split())


@pytest.mark.parametrize(
    ("left", "right", "pairs"),
    [
        ("the cat sat", "the cat sat", [(0, 0), (1, 1), (2, 2)]),
        ("the cat sat", "the dog sat", [(0, 0), (2, 2)]),
        ("the cat sat", "today the cat sat down", [(0, 1), (1, 2), (2, 3)]),
        ("a b", "c d", []),
        ("", "a", []),
        ("one two three", "three", [(2, 0)]),
    ],
)
def test_a_token_keeps_its_partner_wherever_it_moved(left, right, pairs):
    assert align(words(left), words(right)).pairs == pairs


@given(TOKENS, TOKENS)
def test_pairs_are_equal_tokens_that_rise_and_all_others_are_told(left, right):
    found = align(left, right)
    assert all(left[one] == right[other] for one, other in found.pairs)
    assert list(found.left) == sorted(set(found.left))
    assert list(found.right) == sorted(set(found.right))
    for side, missing, count in zip((found.left, found.right), found.unmatched, map(len, (left, right)), strict=True):
        assert sorted([*side, *missing]) == list(range(count))
    assert found.lengths == (len(left), len(right))
    assert found.whole == (left == right)


@given(TOKENS, TOKENS)
def test_the_pairs_are_those_of_difflib_behind_what_both_begin_and_end_with(left, right):
    found = align(left, right).pairs
    if left[:1] != right[:1] and left[-1:] != right[-1:]:
        blocks = SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
        assert found == [(a + place, b + place) for a, b, size in blocks for place in range(size)]


def test_a_long_text_of_one_word_is_aligned_at_once():
    long = ("a",) * 20_000
    begin = time.perf_counter()
    assert align(long, long).whole
    assert align((*long, "b", *long), (*long, "c", *long)).unmatched == ([20_000], [20_000])
    assert time.perf_counter() - begin < 5


def test_texts_that_different_tokenizers_cut_are_matched_by_how_their_tokens_are_spelled():
    bert = Side(("[CLS]", "the", "attn", "##viz", "tool", "[SEP]"), ("[CLS]", "the", "attn", "##viz", "tool", "[SEP]"))
    gpt = Side(("The", "att", "n", "viz", "tool"), ("The", " att", "n", "viz", " tool"))
    found = align_tokens(bert, gpt)
    assert (found.pairs, found.spelled) == ([(1, 0), (3, 3), (4, 4)], True)
    assert found.unmatched == ([0, 2, 5], [1, 2])
    assert align_tokens(Side(bert.tokens), gpt).pairs == [(4, 4)]


def test_labels_count_where_spelling_matches_no_more():
    one, other = Side(("a", "b"), ("a", " b")), Side(("a", "c"), ("a", " c"))
    assert align_tokens(one, other) == align(("a", "b"), ("a", "c"))
    assert not align_tokens(one, one).spelled
