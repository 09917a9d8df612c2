"""Bytes that are no UTF-8 text are told by what they are."""

from __future__ import annotations

import pytest

from attnviz.errors import AttnvizError
from attnviz.sources.texts.decoding import decoded, lines_in


@pytest.mark.parametrize("content", [b"a \xc3\xa9", b"\xef\xbb\xbfa \xc3\xa9"])
def test_utf_8_is_read_with_its_mark_and_without(content):
    assert decoded(content, "it") == "a é"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        ("a".encode("utf-16-le"), "it is binary, not text: a zero byte at position 1"),
        ("a".encode("utf-16"), "it is UTF-16 text, not UTF-8"),
        ("a".encode("utf-32"), "it is UTF-32 text, not UTF-8"),
        (b"\xfe\xff\0a", "it is UTF-16 text, not UTF-8"),
        (b"\0\0\xfe\xff\0\0\0a", "it is UTF-32 text, not UTF-8"),
        (b"ab\xe9", "it is not UTF-8 text: byte 0xe9 at position 2"),
    ],
)
def test_what_is_no_text_is_said(content, message):
    with pytest.raises(AttnvizError) as caught:
        decoded(content, "it")
    assert str(caught.value) == message


def test_lines_end_where_those_of_a_file_end():
    assert lines_in("a\r\nb\x0cc\u2028d\n\n") == ["a", "b\x0cc\u2028d", ""]
    assert lines_in("a") == ["a"]
