"""How a token is shown to a person."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from attnviz.text.display import JOINERS, NamedToken, ascii_escaped, listed_tokens, shorten, shown, shown_line

FAMILY = "👨‍👩‍👧"


ANY_TEXT = st.text(max_size=12) | st.text(
    alphabet=" \t\n\r\x1b\x1c\x85\u200b\u200c\u200d\u0301e🏽👩🇻\ud800", max_size=8
)


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


def test_a_list_of_tokens_is_short_and_safe():
    assert listed_tokens(["a", "\x1b[31m", "x" * 50]) == rf"a, \x1b[31m, {'x' * 19}…"
    assert listed_tokens([str(number) for number in range(9)]) == "0, 1, 2, 3, 4, 5, 6, 7, …"
    assert listed_tokens(["a b", "\x1b", ""]) == r"a·b, \x1b, ''"
    assert listed_tokens(list("abcdefghi")) == "a, b, c, d, e, f, g, h, …"
    assert listed_tokens(["x" * 30]) == "x" * 19 + "…"


def test_nothing_fits_into_no_cells():
    assert shorten("word", 0) == ""


def test_a_token_that_stands_twice_is_named_with_its_position():
    assert (NamedToken("the").quoted, NamedToken("the").plain) == ("`the`", "the")
    assert (NamedToken("the", 4).quoted, NamedToken("the", 0).plain) == ("`the` @4", "the @0")


@pytest.mark.parametrize(
    ("text", "line"), [("My own  title", "My own  title"), ("a\nb", "a\\nb"), ("\x1b[1m", "\\x1b[1m"), ("", "")]
)
def test_a_text_keeps_its_spaces_on_one_line(text, line):
    assert shown_line(text) == line


@given(ANY_TEXT | st.sampled_from(["\x9b31m", "\u202e", "\x7f", "\ufeff", "\u3164", "\U000e0041", "日 ế 👍"]))
def test_escaped_json_is_equal_and_holds_nothing_unseen(text):
    raw = json.dumps([text, "plain"], ensure_ascii=False)
    escaped = ascii_escaped(f"{raw}\n")
    assert json.loads(escaped) == json.loads(raw)
    assert all(character.isprintable() for character in escaped.removesuffix("\n"))
    assert "ế" not in text or "ế" in escaped


def test_json_of_what_is_seen_stays_as_it_is():
    assert ascii_escaped('{"tokens":["ế","日","a b"]}\n') == '{"tokens":["ế","日","a b"]}\n'
