"""A computed block that shows itself, and all that a chapter may show."""

from __future__ import annotations

from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult

from attnviz.renderers.course import markup, tables
from attnviz.renderers.course.pieces import Piece
from attnviz.renderers.shared.plain import plain
from attnviz.text.course import Commands, Formula, Mark, Paragraph, Program, Subheading


class Answered(NamedTuple):
    """A computed block, which shows itself: tables and sentences."""

    name: str
    pieces: tuple[Piece, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield tables.of_pieces(self.pieces)

    def __str__(self) -> str:
        return plain(self)

    def _repr_html_(self) -> str:
        return markup.of_pieces(self.pieces)


Shown = Paragraph | Subheading | Formula | Commands | Program | Mark | Answered  # what a chapter shows
