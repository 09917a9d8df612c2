"""Tables and sentences, with air between them."""

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from attnviz import learn
from attnviz.choices import Language
from attnviz.renderers.course.pieces import table
from attnviz.renderers.course.tables import of_pieces
from attnviz.renderers.shared.matrix import Matrix
from attnviz.renderers.shared.plain import plain
from attnviz.renderers.shared.table import COLUMN_CELLS
from attnviz.text.course import Computed, chapters

TABLE = table("", ["a"], ["b"], [["1"]])


def test_a_table_stands_apart_and_sentences_together():
    lines = plain(of_pieces(["One.", "Two.", TABLE, TABLE, "Three."])).splitlines()
    assert [bool(line) for line in lines] == [True, True, False, *[True] * 3, False, *[True] * 3, False, True]


def test_a_sentence_is_folded_however_wide_the_terminal_is():
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(of_pieces(["word " * 40]))
    assert max(map(len, console.export_text().splitlines())) <= 80


def cut(matrix):
    """The titles of columns that a table shortens."""
    numbers = [max(map(cell_len, column)) for column in zip(*matrix.cells, strict=True)]
    return [
        title
        for title, width in zip(matrix.columns, numbers, strict=True)
        if cell_len(title) > max(width, COLUMN_CELLS)
    ]


@pytest.mark.parametrize("language", Language)
def test_no_title_of_a_column_is_cut(language):
    blocks = [
        learn(chapter.number, language=language.value)[part.name]
        for chapter in chapters(language)
        for part in chapter.parts
        if isinstance(part, Computed)
    ]
    tables = [piece for block in blocks for piece in block.pieces if isinstance(piece, Matrix)]
    assert tables
    assert [title for matrix in tables for title in cut(matrix)] == []


def test_a_planted_long_title_is_found():
    assert cut(table("", ["a"], [15 * "x"], [["1"]])) == [15 * "x"]
