"""A matrix as a Rich renderable: as wide as it needs, tinted where there is colour."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

from attnviz.renderers.shared.colours import LEVELS, dark, rgb
from attnviz.renderers.shared.matrix import HIDDEN, Matrix
from attnviz.text.display import shorten

BOLD, DIM, PLAIN = Style(bold=True), Style(dim=True), Style()
GAP = "  "
COLUMN_CELLS = 14  # a longer column label is shortened, unless its numbers are as wide
RULE_CELLS = 4  # of the rule between labels and numbers, and of the tints' margin


class MatrixTable:
    """A Rich renderable of one matrix: as wide as it needs, its columns in several blocks where that is too wide."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        self.number_widths = [max(map(cell_len, column)) for column in zip(*matrix.cells, strict=True)]
        self.label_width = max(cell_len(matrix.corner), *map(cell_len, matrix.rows))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        widths = [
            max(a, min(cell_len(b), COLUMN_CELLS)) for a, b in zip(self.number_widths, self.matrix.columns, strict=True)
        ]
        widest = self.label_width + RULE_CELLS + sum(widths) + len(GAP) * (len(widths) - 1)
        return Measurement(1 + RULE_CELLS + max(self.number_widths), widest).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width - RULE_CELLS
        label_width = max(1, min(self.label_width, max(options.max_width // 3, 8), room - max(self.number_widths)))
        labels = [
            shorten(label, max(numbers, min(COLUMN_CELLS, room - label_width)))
            for label, numbers in zip(self.matrix.columns, self.number_widths, strict=True)
        ]
        self.columns = labels
        self.widths = [max(a, cell_len(b)) for a, b in zip(self.number_widths, labels, strict=True)]
        tinted = console.color_system in ("truecolor", "256") and not console.no_color
        for number, block in enumerate(self._blocks(room - label_width)):
            if number:
                yield Segment.line()
            yield from self._block(block, label_width, tinted)

    def _blocks(self, width: int) -> list[range]:
        """Runs of columns that fit ``width`` cells, at least one column each; a sum does not stand alone, if that fits."""
        blocks, start = [], 0
        for column in range(1, len(self.widths)):
            if self._wide(range(start, column + 1)) > width:
                blocks.append(range(start, column))
                start = column
        last = range(start, len(self.widths))
        if self.matrix.summed and len(last) == 1 and blocks and len(blocks[-1]) > 1:
            together = range(start - 1, len(self.widths))
            if self._wide(together) <= width:
                return [*blocks[:-1], blocks[-1][:-1], together]
        return [*blocks, last]

    def _wide(self, columns: range) -> int:
        """How many cells a run of columns takes."""
        return sum(self.widths[column] for column in columns) + len(GAP) * (len(columns) - 1)

    def _block(self, columns: range, label_width: int, tinted: bool) -> Iterator[Segment]:
        heads = GAP.join(_right(self.columns[column], self.widths[column]) for column in columns)
        yield Segment(f"{_left(self.matrix.corner, label_width)} │ {heads}\n", DIM)
        yield Segment(f"{'─' * label_width}─┼─{'─' * cell_len(heads)}\n", DIM)
        for label, cells, tints in zip(self.matrix.rows, self.matrix.cells, self.matrix.tints, strict=True):
            yield Segment(_left(label, label_width))
            yield Segment(" │", DIM)
            for column in columns:
                number = f" {_right(cells[column], self.widths[column])} "  # the tints of neighbours touch
                if column == columns[-1] and not tinted:
                    number = number.rstrip()
                yield Segment(number, _style(tints[column], tinted))
            yield Segment.line()


def _style(tint: float | None, tinted: bool) -> Style:
    if tint is None:
        return PLAIN
    if tint == HIDDEN:
        return DIM
    return _tint(round(tint * LEVELS)) if tinted else PLAIN


@lru_cache
def _tint(level: int) -> Style:
    """Black or white on the value's own colour, readable on a light terminal and on a dark one."""
    from rich.color import Color

    colour = rgb(level / LEVELS)
    text = (255, 255, 255) if dark(colour) else (0, 0, 0)
    return Style(color=Color.from_rgb(*text), bgcolor=Color.from_rgb(*colour))


def _left(text: str, width: int) -> str:
    text = shorten(text, width)
    return text + " " * (width - cell_len(text))


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text
