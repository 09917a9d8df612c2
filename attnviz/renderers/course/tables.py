"""Computed tables and sentences in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.text import Text

from attnviz.renderers.course.contents import WIDEST
from attnviz.renderers.course.pieces import Piece
from attnviz.renderers.shared.matrix import Matrix
from attnviz.renderers.shared.table import GAP, MatrixTable


def of_pieces(pieces: Sequence[Piece]) -> Group:
    """Tables and sentences, an empty line between a table and what follows it."""
    return Group(*_spaced(pieces))


def _spaced(pieces: Sequence[Piece]) -> Iterator[RenderableType]:
    for number, piece in enumerate(pieces):
        if number and (isinstance(piece, Matrix) or isinstance(pieces[number - 1], Matrix)):
            yield Text("")
        yield MatrixTable(piece, gap=GAP) if isinstance(piece, Matrix) else Constrain(Text(piece), WIDEST)
