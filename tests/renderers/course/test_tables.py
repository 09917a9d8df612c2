"""Tables and sentences, with air between them."""

import io

from rich.console import Console

from attnviz.renderers.course.pieces import table
from attnviz.renderers.course.tables import of_pieces
from attnviz.renderers.shared.plain import plain

TABLE = table("", ["a"], ["b"], [["1"]])


def test_a_table_stands_apart_and_sentences_together():
    lines = plain(of_pieces(["One.", "Two.", TABLE, TABLE, "Three."])).splitlines()
    assert [bool(line) for line in lines] == [True, True, False, *[True] * 3, False, *[True] * 3, False, True]


def test_a_sentence_is_folded_however_wide_the_terminal_is():
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(of_pieces(["word " * 40]))
    assert max(map(len, console.export_text().splitlines())) <= 80
