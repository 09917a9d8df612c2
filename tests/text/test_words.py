"""Which word each token is a part of, whatever a tokenizer does with spaces, bytes and marks."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnviz.choices import Tokenizer
from attnviz.text.tokenizer import tokenize
from attnviz.text.words import characters_of, found_in, spaces_led, spelled_words, word_spans, words_at

TEXT = st.text(
    st.sampled_from("ab'’ .,-_9é\u0301世ひカーไท🙂👍🏽\u200d\n") | st.characters(exclude_categories=["Cs"]), max_size=24
)


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in word_spans(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Your journey, don't stop.", ["Your", "journey", ",", "don't", "stop", "."]),
        ("snow_ball isn’t 42", ["snow_ball", "isn’t", "42"]),
        ("cafe\u0301 é", ["cafe\u0301", "é"]),
        ("世界 the cat世", ["世", "界", "the", "cat", "世"]),
        ("コーヒー行きました", ["コーヒー", "行", "き", "ま", "し", "た"]),
        ("👍🏽🙂", ["👍🏽", "🙂"]),
        ("안녕하세요 여러분", ["안녕하세요", "여러분"]),
        ("xin chào Việt Nam", ["xin", "chào", "Việt", "Nam"]),
        (" \n\t", []),
    ],
)
def test_a_word_is_what_a_reader_takes_for_one(text, words):
    assert words_of(text) == words


def test_words_of_letters_alone_are_those_of_the_word_tokenizer():
    for text in ("Your journey, don't stop.", "naïve café, isn’t it?", "one — two"):
        assert words_of(text) == tokenize(text, Tokenizer.WORD)


@given(TEXT)
def test_words_hold_every_character_that_is_no_space_once(text):
    held = [place for start, end in word_spans(text) for place in range(start, end)]
    assert len(held) == len(set(held))
    assert {place for place in range(len(text)) if not text[place].isspace()} <= set(held)


@given(TEXT, st.lists(st.integers(0, 24), max_size=8))
def test_tokens_that_cut_a_text_anywhere_are_each_of_one_word(text, cuts):
    ends = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    places = list(pairwise(ends))
    words = words_at(text, places)
    assert list(words) == sorted(words)
    assert set(words) == set(range(len(set(words))))
    for ((start, end), (later, stop)), (word, other) in zip(pairwise(places), pairwise(words), strict=True):
        inside = any(begin < end < last for begin, last in word_spans(text))
        assert (word == other) == inside, (text[start:end], text[later:stop])


def test_a_special_token_is_of_no_word_and_divides():
    assert words_at("ab", [(0, 1), None, (1, 2)], {1}) == (0, None, 1)


def test_a_token_that_covers_two_words_makes_them_one():
    assert words_at("of the cat", [(0, 5), (5, 6), (6, 10)]) == (0, 0, 1)


def test_white_space_and_what_stands_for_no_character_are_by_themselves():
    assert words_at("a\n\nb", [(0, 1), (1, 3), None, (3, 4)]) == (0, 1, 2, 3)


def test_a_space_leads_the_token_that_brings_none():
    places = spaces_led([(0, 1), None, (2, 3), None, (5, 6)], ["a", " ", "b", " ", " c"])
    assert places == [(0, 1), (2, 3), (2, 3), None, (5, 6)]
    assert words_at("a b  c", places) == (0, 1, 1, 2, 3)


@given(TEXT.filter(str.strip), st.sampled_from([Tokenizer.CHAR, Tokenizer.BYTE, Tokenizer.WORD]))
def test_tokens_are_found_where_they_were_cut(text, kind):
    tokens = tokenize(text, kind)
    spans = found_in(text, tokens)
    assert spans is not None
    for token, span in zip(tokens, spans, strict=True):
        if kind is not Tokenizer.BYTE and span is not None:
            assert text[slice(*span)] in (token, token.strip())
        assert span is not None or not token.strip()
    assert [span for span in spans if span] == sorted(span for span in spans if span)


@pytest.mark.parametrize(
    ("text", "tokens", "spans"),
    [
        ("Your journey", ["your", "jour", "##ney"], [(0, 4), (5, 9), (9, 12)]),
        ("John saw John", ["John", "saw", " John"], [(0, 4), (5, 8), (9, 13)]),
        ("a 世b", ["a", "世(1/2)", "世(2/2)b"], [(0, 1), (2, 3), (2, 4)]),
        ("世!", ["<0xE4>", "<0xB8>", "<0x96>", "!"], [(0, 1), (0, 1), (0, 1), (1, 2)]),
        ("a cat", ["a", "dog"], None),
        ("世", ["<0xE5>"], None),
        ("", ["a(2/2)"], None),
    ],
)
def test_labels_are_found_whatever_their_marks(text, tokens, spans):
    assert found_in(text, tokens) == spans


def test_special_tokens_are_not_looked_for():
    assert found_in("a b", ["[CLS]", "a", "b", "[SEP]"], {0, 3}) == [None, (0, 1), (2, 3), None]


@pytest.mark.parametrize(
    ("tokens", "special", "words"),
    [
        (["[CLS]", "jour", "##ney", "starts", "[SEP]"], {0, 4}, (None, 0, 0, 1, None)),
        (["Your", "Ġjour", "ney", "Ġstarts"], (), (0, 1, 1, 2)),
        (["<s>", "▁Your", "▁jour", "ney"], {0}, (None, 0, 1, 1)),
        (["Your", "journey"], (), (0, 1)),
        (["##ney", "##s"], (), (0, 0)),
    ],
)
def test_tokens_tell_their_words_by_how_they_are_spelled(tokens, special, words):
    assert spelled_words(tokens, special) == words


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["jour", "##ney"], "journey"),
        ([" jour", "ney"], " journey"),
        (["<0xE4>", "<0xB8>", "<0x96>"], "世"),
        (["##ney"], "##ney"),
        (["<0xE4>"], "\ufffd"),
    ],
)
def test_tokens_of_a_word_are_read_together(tokens, text):
    assert characters_of(tokens) == text
