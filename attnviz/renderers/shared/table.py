"""A matrix as a Rich renderable: as wide as it needs, tinted where there is colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
GAP, TIGHT = 2, 1  # spaces between two columns; and where one alone lets all columns stand beside each other
COLUMN_CELLS = 14  # a longer column label is shortened, unless its numbers are as wide
LABEL_EDGE, EDGE = 3, 2  # cells of the rule between labels and numbers, and of that before numbers alone


class MatrixTable:
    """A Rich renderable of one matrix: as wide as it needs, its columns in several blocks where that is too wide.

    labelled   whether the rows have their labels; without them it goes on from a table of the same rows
    followed   whether such a table follows on its right
    gap        spaces between two columns; None: the widest at which they stand in the fewest blocks
    """

    def __init__(self, matrix: Matrix, labelled: bool = True, followed: bool = False, gap: int | None = None) -> None:
        self.matrix, self.labelled, self.followed, self.gap = matrix, labelled, followed, gap
        self.number_widths = [max(map(cell_len, column)) for column in zip(*matrix.cells, strict=True)]
        self.label_width = max(cell_len(matrix.corner), *map(cell_len, matrix.rows)) if labelled else 0
        self.edge = LABEL_EDGE if labelled else EDGE

    def natural_width(self, gap: int = GAP) -> int:
        """The cells that it takes where nothing is shortened, with so many spaces between two columns."""
        widths = [
            max(a, min(cell_len(b), COLUMN_CELLS)) for a, b in zip(self.number_widths, self.matrix.columns, strict=True)
        ]
        return self.label_width + self.edge + _wide(widths, gap) + self._margin(gap)

    def _margin(self, gap: int) -> int:
        """Cells behind the last column: of its tint, and before the rule of the table that follows."""
        return max(gap - 1, self.followed)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        least = 1 + self.edge + max(self.number_widths)
        return Measurement(least, self.natural_width()).with_maximum(options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width - self.edge
        label_width = self._label_width(options.max_width)
        labels = [
            shorten(label, max(numbers, min(COLUMN_CELLS, room - label_width)))
            for label, numbers in zip(self.matrix.columns, self.number_widths, strict=True)
        ]
        self.columns = labels
        self.widths = [max(a, cell_len(b)) for a, b in zip(self.number_widths, labels, strict=True)]
        tinted = console.color_system in ("truecolor", "256") and not console.no_color
        gap, blocks = self._blocks(room - label_width)
        for number, block in enumerate(blocks):
            if number:
                yield Segment.line()
            yield from self._block(block, label_width, gap, tinted)

    def _label_width(self, width: int) -> int:
        """The cells of a label: all that it needs where the whole table fits, else a third of ``width``."""
        if not self.labelled or self.natural_width(TIGHT if self.gap is None else self.gap) <= width:
            return self.label_width
        return max(1, min(self.label_width, max(width // 3, 8), width - self.edge - max(self.number_widths)))

    def _blocks(self, width: int) -> tuple[int, list[range]]:
        """As few runs of columns as fit ``width`` cells, at least one column each, and the spaces between two of them."""
        gaps = (GAP, TIGHT) if self.gap is None else (self.gap,)
        runs = [(gap, self._runs(width - self._margin(gap), gap)) for gap in gaps]
        return min(runs, key=lambda one: len(one[1]))  # the wider of two that need as many

    def _runs(self, width: int, gap: int) -> list[range]:
        """Runs of columns that fit ``width`` cells; a sum does not stand alone, if that fits."""
        blocks, start = [], 0
        for column in range(1, len(self.widths)):
            if _wide(self.widths[start : column + 1], gap) > width:
                blocks.append(range(start, column))
                start = column
        last = range(start, len(self.widths))
        if self.matrix.summed and len(last) == 1 and blocks and len(blocks[-1]) > 1:
            together = range(start - 1, len(self.widths))
            if _wide(self.widths[start - 1 :], gap) <= width:
                return [*blocks[:-1], blocks[-1][:-1], together]
        return [*blocks, last]

    def _block(self, columns: range, label_width: int, gap: int, tinted: bool) -> Iterator[Segment]:
        heads = (" " * gap).join(_right(self.columns[column], self.widths[column]) for column in columns)
        end = "─" * (cell_len(heads) + (self._margin(gap) if self.followed else 0))
        yield Segment(f"{self._label(self.matrix.corner, label_width)}│ {heads}\n", DIM)
        yield Segment(f"{'─' * (label_width + 1) if self.labelled else ''}┼─{end}\n", DIM)
        for label, cells, tints in zip(self.matrix.rows, self.matrix.cells, self.matrix.tints, strict=True):
            if self.labelled:
                yield Segment(self._label(label, label_width))
            yield Segment("│", DIM)
            for column in columns:
                # The tints of neighbours touch.
                number = f" {_right(cells[column], self.widths[column])}{' ' * (gap - 1)}"
                if column == columns[-1] and not tinted and not self.followed:
                    number = number.rstrip()
                yield Segment(number, _style(tints[column], tinted))
            if self.followed and gap == TIGHT:
                yield Segment(" ")
            yield Segment.line()

    def _label(self, text: str, width: int) -> str:
        return f"{_left(text, width)} " if self.labelled else ""


def _wide(widths: Sequence[int], gap: int) -> int:
    """How many cells a run of columns takes."""
    return sum(widths) + gap * (len(widths) - 1)


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
