"""Tables side by side, as many as the width allows; those of the same rows share their labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from attnviz.renderers.shared.matrix import Matrix
from attnviz.renderers.shared.table import BOLD, EDGE, GAP, TIGHT, MatrixTable
from attnviz.text.display import NATURAL_WIDTH

PAGE_WIDTH = 100  # cells of what stands side by side where nothing says how wide the page is
APART = 3  # cells between two tables
WORDS = 20  # cells that sentences need at least
WIDEST = 6  # spaces between two columns of a table that would be narrower than what stands above it

Lines = list[list[Segment]]


class Beside(NamedTuple):
    """A table, what stands above it, words that are folded to its width, and whether an empty line lies between."""

    above: Sequence[Text]
    matrix: Matrix
    apart: bool = True


class SideBySide:
    """A Rich renderable of tables: those that fit stand beside each other, the next below them.

    Tables of the same rows are one, whose labels stand once. Each then carries its corner above it, if the corners differ.
    """

    def __init__(self, tables: Sequence[Beside]) -> None:
        self.tables = tables

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width if options.max_width < NATURAL_WIDTH else PAGE_WIDTH
        for number, row in enumerate(_rows(self.tables, width)):
            if number:
                yield Segment.line()
            if len(row) == 1:
                yield from row[0].above
                yield from [Text("")][: len(row[0].above)]
                yield MatrixTable(row[0].matrix)
            else:
                yield from _Row(row, width).lines(console, options)


def _rows(tables: Sequence[Beside], width: int) -> Iterator[Sequence[Beside]]:
    """``tables`` in runs that fit ``width`` cells, each as long as it can be."""
    start = 0
    while start < len(tables):
        end = next(
            end for end in range(len(tables), start, -1) if end == start + 1 or _Row(tables[start:end], width).fits
        )
        yield tables[start:end]
        start = end


class _Row:
    """Tables that stand beside each other in ``width`` cells, if they fit."""

    def __init__(self, tables: Sequence[Beside], width: int) -> None:
        self.joined = all(one.matrix.rows == tables[0].matrix.rows for one in tables)
        self.tables = _sharing(tables) if self.joined else tables
        for gap in (GAP, TIGHT):
            drawn = [self._drawn(place, gap) for place in range(len(tables))]
            self.drawn = [table for table in drawn if table is not None]
            self.widths = [table.natural_width(table.gap or gap) for table in self.drawn]
            self.fits = len(self.drawn) == len(drawn) and self._total() <= width
            if self.fits:
                break

    def _total(self) -> int:
        return sum(self.widths) + (0 if self.joined else APART * (len(self.tables) - 1))

    def _drawn(self, place: int, gap: int) -> MatrixTable | None:
        """A table whose columns are so far apart that what stands above it has the cells that it needs; None if too far."""
        first, last = place == 0, place == len(self.tables) - 1
        matrix = self.tables[place].matrix
        tables = (
            MatrixTable(matrix, not self.joined or first, self.joined and not last, wide)
            for wide in range(gap, WIDEST + 1)
        )
        return next((table for table in tables if table.natural_width(table.gap or gap) >= self._needed(place)), None)

    def _needed(self, place: int) -> int:
        """The cells of the heading of a table, which is one line, and of the sentences below it."""
        above = self.tables[place].above
        if not above:
            return 0
        return self._margin(place) + max(cell_len(above[0].plain), WORDS if len(above) > 1 else 0)

    def _margin(self, place: int) -> int:
        """Cells before what stands above a table: its first stand above the numbers, where the labels are another's."""
        return EDGE if self.joined and place else 0

    def lines(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """What stands above the tables, and the tables, line by line."""
        above = [self._above(place, console, options) for place in range(len(self.tables))]
        high = max(map(len, above))
        blank: Lines = [[]] if high and self.tables[0].apart else []
        columns = [
            [
                *words,
                *[[]] * (high - len(words)),
                *blank,
                *console.render_lines(table, options.update(width=width), pad=False),
            ]
            for words, table, width in zip(above, self.drawn, self.widths, strict=True)
        ]
        for line in zip_longest(*columns, fillvalue=[]):
            yield from self._line(line)

    def _above(self, place: int, console: Console, options: ConsoleOptions) -> Lines:
        """What stands above a table."""
        words, margin = self.tables[place].above, self._margin(place)
        room = options.update(width=self.widths[place] - margin)
        lines = [line for text in words for line in console.render_lines(text, room, pad=False)]
        return [[Segment(" " * margin), *line] for line in lines]

    def _line(self, pieces: Sequence[list[Segment]]) -> Iterator[Segment]:
        """One line of all tables; nothing stands behind the last of its words."""
        last = max((place for place, piece in enumerate(pieces) if piece), default=0)
        apart = 0 if self.joined else APART
        for place, piece in enumerate(pieces[: last + 1]):
            yield from piece
            if place < last:
                yield Segment(" " * (self.widths[place] + apart - sum(cell_len(one.text) for one in piece)))
        yield Segment.line()


def _sharing(tables: Sequence[Beside]) -> list[Beside]:
    """``tables`` of the same rows, whose corner is said once or, where they differ, above each that is not named yet."""
    corner, *others = (one.matrix.corner for one in tables)
    if all(other in corner for other in others):
        return list(tables)
    return [
        Beside(one.above or [Text(one.matrix.corner, style=BOLD)], one.matrix._replace(corner=""), bool(one.above))
        for one in tables
    ]
