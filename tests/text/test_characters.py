"""Characters as a person counts them."""

from __future__ import annotations

import re

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from attnviz.text.characters import clusters, unicode_pattern, valid_text, valid_texts

ANY_TEXT = st.text(max_size=12) | st.text(
    alphabet=" \t\n\r\x1b\x1c\x85\u200b\u200c\u200d\u0301e🏽👩🇻\ud800", max_size=8
)

FAMILY = "👨‍👩‍👧"


ASCII_TEXT = st.lists(
    st.sampled_from([*map(chr, range(128)), *("\r\n", "don't", "_1", "'", "\x1c") * 8]), max_size=12
).map("".join)


@given(text=ASCII_TEXT)
def test_the_two_ways_to_characters_agree_on_ascii(text):
    assert clusters(text) == regex.findall(r"\X", text)


@given(text=ANY_TEXT)
def test_valid_text_can_be_written_anywhere(text):
    assert valid_text(text).encode("utf-8").decode("utf-8") == valid_text(text)
    assert valid_text(text) == text or re.search("[\ud800-\udfff]", text)


@pytest.mark.parametrize(
    ("text", "characters"),
    [("a\r\nb", ["a", "\r\n", "b"]), (FAMILY, [FAMILY]), ("e\u0301a", ["e\u0301", "a"]), ("", [])],
)
def test_a_character_is_what_a_person_counts(text, characters):
    assert clusters(text) == characters


def test_a_pattern_is_compiled_once():
    assert unicode_pattern(r"\X") is unicode_pattern(r"\X")


def test_texts_looked_at_together_are_what_each_is_alone():
    for texts in ((), ("a", "Ġb", "日本"), ("a", "b\udc80", "\ud83d", "é")):
        assert valid_texts(texts) == tuple(map(valid_text, texts))
    with pytest.raises(TypeError):
        valid_texts(("a", 3))
