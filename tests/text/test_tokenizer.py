import re
import string
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from attnviz.choices import Tokenizer
from attnviz.errors import AttnvizError
from attnviz.text.characters import clusters, valid_text
from attnviz.text.display import JOINERS, shorten, shown
from attnviz.text.search import find
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


@given(text=ASCII_TEXT)
def test_the_two_ways_to_characters_agree_on_ascii(text):
    assert clusters(text) == regex.findall(r"\X", text)


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


@given(text=ANY_TEXT)
def test_valid_text_can_be_written_anywhere(text):
    assert valid_text(text).encode("utf-8").decode("utf-8") == valid_text(text)
    assert valid_text(text) == text or re.search("[\ud800-\udfff]", text)


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("word", "word"),
        ("ế", "ế"),
        ("", "''"),
        (" ", "·"),
        ("a b", "a·b"),
        ("\n", r"\n"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\u200b", r"\u200b"),
        ("\u202e", r"\u202e"),
        ("\u200d", r"\u200d"),
        ("\u0301", "◌\u0301"),
        (FAMILY, FAMILY),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\ud800", r"\ud800"),
        ("[bold]", "[bold]"),
    ],
)
def test_a_token_as_a_person_sees_it(token, expected):
    assert shown(token) == expected


@given(token=ANY_TEXT)
def test_what_is_shown_is_printable_and_never_empty(token):
    seen = shown(token)
    assert seen.strip()
    assert "".join(character for character in seen if character not in JOINERS).isprintable()
    assert not set(seen) & set("\x1b\n\r\x85\u2028 ")
    assert seen[0] not in JOINERS
    assert seen[-1] not in JOINERS


@given(text=st.text(max_size=20).map(shown) | ANY_TEXT.map(shown), cells=st.integers(1, 12))
def test_a_shortened_text_fits_its_cells(text, cells):
    short = shorten(text, cells)
    assert cell_len(short) <= cells
    assert short == text or (short.endswith("…") and cell_len(text) > cells)


@pytest.mark.parametrize(
    ("text", "cells", "expected"),
    [
        ("journey", 7, "journey"),
        ("journey", 4, "jou…"),
        ("注意力", 4, "注…"),
        ("注意力", 6, "注意力"),
        ("journey", 1, "…"),
    ],
)
def test_shortening_marks_the_cut(text, cells, expected):
    assert shorten(text, cells) == expected


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


def test_every_ascii_word_character_stays_in_its_word():
    word = string.ascii_letters + string.digits + "_"
    assert tokenize(word, Tokenizer.WORD) == [word]
