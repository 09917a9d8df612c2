"""The panels of a heat map in a terminal: how large and where, decided first, then line by line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment

from attnviz.renderers.heatmap.picture import Picture
from attnviz.renderers.heatmap.terminal_cells import DIM, Cells, Paint, pooled
from attnviz.renderers.shared.labels import TICKS, round_positions
from attnviz.renderers.shared.scale import scale_of
from attnviz.text.display import shorten

LABEL_CELLS = 10  # of a query's token at the left
COLUMN_LABEL_LINES = 8  # of a key's token, which reads downwards
CUT = "…"  # a letter wider than its column
TICK = "╵"  # below a column, beside the position of its first token
LARGEST_CELL = 4  # pixels a side; a pixel is one character wide and half a line high, about a square
CELL_OF_SEVERAL = 2  # the same, of several panels: one line, before panels stand below each other
BESIDE = 3  # panels that stand beside each other before cells get larger
GAP = 3  # characters between panels
WIDE = 40  # columns: narrower terminals have no room for positions beside tokens


class Room(NamedTuple):
    """What a console has for panels: a width in characters, a number of lines (None: no end), and colours or none."""

    width: int
    lines: int | None
    coloured: bool


class Sizes(NamedTuple):
    """How large the panels are, in characters.

    labels   the width of the column of query labels
    pooled   how many cells of the picture become one here, down and across
    cell     the width of a cell
    panel    the width of a panel
    slot     the width that a panel has: its own, or that of a short title where that is wider
    title    how wide a title may be: it may end in the gap behind the panel
    columns  how many panels stand beside each other
    """

    labels: int
    pooled: int
    cell: int
    panel: int
    slot: int
    title: int
    columns: int


class Grid:
    """The panels of ``picture`` in rows, as many beside each other as fit."""

    def __init__(self, picture: Picture, room: Room, paint: Paint) -> None:
        self.picture = picture
        tokens: Sequence[str] = _row_labels(picture, room.width)
        self.sizes = _sizes(picture, room, tokens)
        self.pooled, self.columns = self.sizes.pooled, self.sizes.columns
        self.long = picture.pooled or self.pooled > 1
        cell = picture.cell[0] * self.pooled
        self.labels = round_positions(picture.positions[0], cell) if self.pooled > 1 else tokens
        self.maps = [pooled(panel.values, self.pooled, picture.pool) for panel in picture.panels]
        # Means are smaller than what they are the means of.
        self.scale = scale_of(self.maps, picture.step, pooled=True) if self.pooled > 1 else picture.scale
        self.titles = _titles(picture, self.sizes.title)
        panels = picture.panels if len(picture.panels) > 1 else ()  # of one, the title of the picture says it
        self.roles = ", ".join(  # for which there is no room above the panels
            title + panel.roles
            for title, panel in zip(self.titles, panels, strict=False)
            if panel.roles and title != panel.title
        )
        self.cells = Cells(self.sizes.cell, self.scale, paint, room.coloured)

    def rows(self) -> Iterator[range]:
        """The numbers of the panels that stand beside each other."""
        for first in range(0, len(self.maps), self.columns):
            yield range(first, min(first + self.columns, len(self.maps)))

    def row(self, numbers: range) -> Iterator[Segment]:
        """Panels side by side, the query labels at their left, the key labels below each."""
        if len(self.maps) > 1:
            yield from self._beside([self.titles[number] for number in numbers])
        for line in range(self.cells.lines(len(self.maps[0]))):
            label = self._label(line)
            yield Segment(" " * (self.sizes.labels - cell_len(label)) + label + " ")
            for number in numbers:
                yield from self.cells.line(self.maps[number], line)
                if number < numbers[-1]:
                    yield Segment(" " * (GAP + self.sizes.slot - self.sizes.panel))
            yield Segment.line()
        for below in self._key_labels():
            yield from self._beside([below] * len(numbers), dim=True)

    def _beside(self, words: list[str], dim: bool = False) -> Iterator[Segment]:
        """A line that holds some words above, or below, each of some panels."""
        filled = [word + " " * (self.sizes.slot + GAP - cell_len(word)) for word in words]
        yield Segment(" " * (self.sizes.labels + 1) + "".join(filled).rstrip(), DIM if dim else None)
        yield Segment.line()

    def _label(self, line: int) -> str:
        """The token of the query whose middle lies on ``line``; of two on one line, the first."""
        if self.sizes.cell == 1:
            rows = slice(2 * line, 2 * line + 2) if self.cells.coloured else slice(line, line + 1)
            return next(filter(None, self.labels[rows]), "")
        row = self.cells.label_row(line)
        return "" if row is None else self.labels[row]

    def _key_labels(self) -> Iterator[str]:
        """The lines below a panel: tokens that read downwards, and positions."""
        for line in [] if self.long else range(COLUMN_LABEL_LINES):
            letters = [self._letter(column, line) for column in range(len(self.picture.keys))]
            if not any(letter.strip() for letter in letters):
                break
            yield "".join(letters)
        if self.long or self.picture.shows_positions[1]:
            yield self._ticks()

    def _letter(self, column: int, line: int) -> str:
        """The character of a key's token on ``line`` below its column, as wide as the column."""
        from attnviz.text.characters import clusters

        size, letters = self.sizes.cell, clusters(shorten(self.picture.keys[column], COLUMN_LABEL_LINES))
        letter = letters[line] if line < len(letters) else " "
        letter = letter if cell_len(letter) <= size else CUT
        left = (size - cell_len(letter)) // 2
        return " " * left + letter + " " * (size - cell_len(letter) - left)

    def _ticks(self) -> str:
        """Round positions at their columns: right of the tick, or left of it where the panel ends."""
        cell, panel = self.sizes.cell, self.sizes.panel
        positions, tokens = self.picture.positions[1], self.picture.cell[1] * self.pooled
        most = max(panel // (len(f"{positions[-1]:,}") + 3), 1)
        line = ""
        for column, label in enumerate(round_positions(positions, tokens, min(most, TICKS))):
            start = column * cell + (cell - 1) // 2  # where the letters of a token stand
            if label and start + 1 + len(label) > panel:
                start, label = start - len(label), label + TICK
            elif label:
                label = TICK + label
            if label and start >= len(line):
                line = f"{line:{start}}{label}"
        return line


def _sizes(picture: Picture, room: Room, tokens: Sequence[str]) -> Sizes:
    """How large the panels of ``picture`` are in ``room``, where its queries would be labelled with ``tokens``."""
    labels, pooled = _pooling(picture, room, tokens)
    left = max(room.width - labels - 1, 1)  # for the panels
    pixels, panels = math.ceil(len(picture.keys) / pooled), len(picture.panels)
    aim = _largest_cell(picture, room, pooled)
    cell = max(min(aim, (left // min(panels, BESIDE) - GAP) // pixels, left // pixels), 1)
    panel = pixels * cell
    slot = max(panel, *(cell_len(one.short_title) for one in picture.panels)) if panels > 1 else panel
    columns = max(1, min(panels, (left + GAP) // (slot + GAP)))
    spare = left - (columns * (slot + GAP) - GAP)
    return Sizes(labels, pooled, cell, panel, slot, slot + max(min(GAP - 1, spare), 0), columns)


def _pooling(picture: Picture, room: Room, tokens: Sequence[str]) -> tuple[int, int]:
    """The width of the query labels, and how many cells of ``picture`` become one, so that it fits into ``room``."""
    labels = max(map(cell_len, ("query", *tokens)))
    needed = math.ceil(len(picture.keys) / max(room.width - labels - 1, 1))
    if needed > 1:  # positions stand in place of tokens
        labels = max(map(cell_len, ("query", f"{picture.positions[0][-1]:,}")))
    pooled = max(math.ceil(len(picture.keys) / max(room.width - labels - 1, 1)), min(needed, 2))
    if pooled > 1 and room.lines is not None:
        pooled = max(pooled, math.ceil(len(picture.queries) / (2 * room.lines if room.coloured else room.lines)))
    return labels, pooled


def _largest_cell(picture: Picture, room: Room, pooled: int) -> int:
    """How large a cell is where that fits beside all others."""
    largest = LARGEST_CELL if len(picture.panels) == 1 else CELL_OF_SEVERAL
    if room.lines is None:
        return largest
    long = picture.pooled or pooled > 1  # else each token has its label, and each row keeps a line
    return min(largest, max(2 * room.lines // math.ceil(len(picture.queries) / pooled), 1 if long else 2))


def _titles(picture: Picture, width: int) -> list[str]:
    """The titles of the panels in ``width``: all of them whole or, where one would be cut, all without roles, or short."""
    for name in ("title", "bare_title"):
        titles = [getattr(panel, name) for panel in picture.panels]
        if max(map(cell_len, titles)) <= width:
            return titles
    return [panel.short_title for panel in picture.panels]


def _row_labels(picture: Picture, width: int) -> list[str]:
    """The tokens of the queries, in a region behind some of their positions."""
    labels = [shorten(label, LABEL_CELLS) for label in picture.queries]
    if not picture.shows_positions[0] or width < WIDE:
        return labels
    longest = max(map(cell_len, labels))
    return [
        f"@{position} {' ' * (longest - cell_len(label))}{label}" if position else label
        for position, label in zip(round_positions(picture.positions[0]), labels, strict=True)
    ]
