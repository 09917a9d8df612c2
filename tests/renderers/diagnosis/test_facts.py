"""Facts below each other: beside their labels, or in a narrow terminal below them."""

from __future__ import annotations

import io

from rich.console import Console

from attnviz.renderers.diagnosis.facts import Facts
from attnviz.renderers.diagnosis.told import Row

ROWS = (
    Row("where", "heads 0 to 3"),
    Row("change", "Scale first, then cap", "scores = softcap * tanh(scores / softcap)"),
)


def shown(width, rows=ROWS):
    text = io.StringIO()
    Console(file=text, width=width, color_system=None).print(Facts(rows), end="")
    return text.getvalue().splitlines()


def test_what_is_said_stands_beside_its_label():
    assert shown(80) == [
        "  where   heads 0 to 3",
        "  change  Scale first, then cap",
        "          scores = softcap * tanh(scores / softcap)",
    ]


def test_in_a_narrow_terminal_it_stands_below():
    lines = shown(30)
    assert lines[:4] == ["  where", "    heads 0 to 3", "  change", "    Scale first, then cap"]
    assert " ".join(line.strip() for line in lines[4:]) == ROWS[1].code
    assert all(len(line) <= 30 and line == line.rstrip() for line in lines)


def test_a_long_text_is_folded_below_itself():
    lines = shown(64, (Row("a", "word " * 30),))
    assert all(line.startswith("     word") for line in lines[1:])
    assert max(map(len, lines)) <= 64


def test_nothing_is_nothing():
    assert shown(80, ()) == []
