"""A difference as a table, in a terminal of any width."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from attnviz.choices import Language
from attnviz.renderers.difference.table import to_renderable, to_text
from attnviz.text.lessons import lessons


def shown(found, width, words=None):
    text = io.StringIO()
    Console(file=text, width=width, color_system=None, highlight=False).print(to_renderable(found, words), end="")
    return text.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(words, width):
    lines = shown(words, width)
    assert max(map(cell_len, lines)) <= width
    assert "Pairs of heads" in lines[0]


def test_the_table_holds_a_row_for_each_head(words):
    lines = to_text(words).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("head "))
    assert [line.split(" │")[0].strip() for line in lines[start + 2 : start + 6]] == [
        f"layer 0 · {head.left.head}" for head in words.heads
    ]
    assert str(words) == to_text(words)


def test_in_vietnamese(words):
    lines = shown(words, 100, lessons(Language.VI))
    assert lines[0] == "Các cặp đầu, xa nhau nhất đứng trước: 4"
