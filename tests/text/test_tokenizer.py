"""From text to tokens."""

from __future__ import annotations

import string
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from attnviz.choices import Tokenizer
from attnviz.errors import AttnvizError
from attnviz.text.characters import valid_text
from attnviz.text.tokenizer import ASCII_WORD, UNICODE_WORD, tokenize

FAMILY = "👨‍👩‍👧"


VIETNAMESE = "Không có việc gì khó, chỉ sợ lòng không bền"


ANY_TEXT = st.text(max_size=12) | st.text(
    alphabet=" \t\n\r\x1b\x1c\x85\u200b\u200c\u200d\u0301e🏽👩🇻\ud800", max_size=8
)


ASCII_TEXT = st.lists(
    st.sampled_from([*map(chr, range(128)), *("\r\n", "don't", "_1", "'", "\x1c") * 8]), max_size=12
).map("".join)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Your journey, starts!", ["Your", "journey", ",", "starts", "!"]),
        ("don't 'quote' a_b 3.5", ["don't", "'", "quote", "'", "a_b", "3", ".", "5"]),
        ("don’t café", ["don’t", "café"]),
        ("chỉ sợ lòng", ["chỉ", "sợ", "lòng"]),
        ("注意力 就是, 你", ["注意力", "就是", ",", "你"]),
        (f"a {FAMILY}{FAMILY} b", ["a", FAMILY, FAMILY, "b"]),
        ("👍🏽 🇻🇳", ["👍🏽", "🇻🇳"]),
        ("x\u0301y !\u0301", ["x\u0301y", "!\u0301"]),
        ("a\x1b[31mb", ["a", "\x1b", "[", "31mb"]),
        ("a\ud800b", ["a", "\\", "ud800b"]),
        ("a\u00a0b\u3000ế\u2028c", ["a", "b", "ế", "c"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
    ],
    ids=range(12),
)
def test_words(text, tokens):
    assert tokenize(text, Tokenizer.WORD) == tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("a b", ["a", " ", "b"]),
        ("ếx", ["ế", "x"]),
        (unicodedata.normalize("NFD", "ếx"), [unicodedata.normalize("NFD", "ế"), "x"]),
        (f"注{FAMILY}力", ["注", FAMILY, "力"]),
        ("a\ud800", ["a", *r"\ud800"]),
        ("é\r\nb", ["é", "\r\n", "b"]),
        ("e\r\nb", ["e", "\r\n", "b"]),
    ],
)
def test_characters_are_grapheme_clusters(text, tokens):
    assert tokenize(text, Tokenizer.CHAR) == tokens


def test_bytes_are_those_of_utf_8():
    assert tokenize("aé\n", Tokenizer.BYTE) == ["a", "<0xC3>", "<0xA9>", "\n"]
    assert tokenize("\ud800", Tokenizer.BYTE) == list(r"\ud800")


def test_white_space_alone_separates():
    assert tokenize(f" don't,\tstop\u3000{FAMILY}\n", Tokenizer.WHITESPACE) == ["don't,", "stop", FAMILY]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_vietnamese_words_are_whole_in_either_normal_form(form):
    words = tokenize(unicodedata.normalize(form, VIETNAMESE), Tokenizer.WORD)
    assert [unicodedata.normalize("NFC", word) for word in words if word != ","] == VIETNAMESE.replace(",", "").split()


@given(text=ASCII_TEXT)
def test_the_two_word_patterns_agree_on_ascii(text):
    assert ASCII_WORD.findall(text) == regex.findall(UNICODE_WORD, text)


@pytest.mark.parametrize("tokenizer", [Tokenizer.WORD, Tokenizer.CHAR])
@given(text=ANY_TEXT)
def test_no_tokenizer_loses_anything_but_white_space(tokenizer, text):
    valid = valid_text(text)
    expected = valid if tokenizer is Tokenizer.CHAR else regex.sub(r"\s", "", valid)
    try:
        tokens = tokenize(text, tokenizer)
    except AttnvizError:
        tokens = []
    assert "".join(tokens) == expected
    assert all(tokens)


@given(text=ANY_TEXT)
def test_bytes_decode_to_the_text(text):
    try:
        tokens = tokenize(text, Tokenizer.BYTE)
    except AttnvizError:
        tokens = []
    content = b"".join(bytes([int(t[3:5], 16)]) if len(t) > 1 else t.encode() for t in tokens)
    assert content.decode() == valid_text(text)


@pytest.mark.parametrize("tokenizer", Tokenizer)
def test_an_empty_text_is_an_error(tokenizer):
    with pytest.raises(AttnvizError, match="the text is empty"):
        tokenize("", tokenizer)


@pytest.mark.parametrize("tokenizer", [Tokenizer.WORD, Tokenizer.WHITESPACE])
@pytest.mark.parametrize("text", [" \n\t", "\u3000\u00a0"])
def test_a_text_of_white_space_is_an_error(tokenizer, text):
    with pytest.raises(AttnvizError, match="only white space"):
        tokenize(text, tokenizer)


def test_every_ascii_word_character_stays_in_its_word():
    word = string.ascii_letters + string.digits + "_"
    assert tokenize(word, Tokenizer.WORD) == [word]
