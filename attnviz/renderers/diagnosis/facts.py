"""Facts below each other as a Rich renderable: what each is, and beside it what is said of it; in a narrow terminal below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.text import Text

from attnviz.renderers.diagnosis.told import Row
from attnviz.renderers.shared.table import DIM, PLAIN

CODE = Style(color="cyan")
EDGE, GAP = 2, 2  # spaces before a label, and behind the longest
LEAST = 48  # cells that a text has beside its label, or it stands below it


class Facts:
    """A Rich renderable of ``rows``, with nothing behind the end of a line."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.labels = max((cell_len(row.label) for row in rows), default=0)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        beside = EDGE + self.labels + GAP
        if options.max_width - beside < LEAST:
            beside = 2 * EDGE
        for row in self.rows:
            label = Text(" " * EDGE + row.label, DIM)
            if beside == 2 * EDGE:
                yield label
                label = Text("")
            for line in self._lines(row, console, options.max_width - beside):
                label.pad_right(beside - label.cell_len)
                yield Text.assemble(label, line)
                label = Text("")

    def _lines(self, row: Row, console: Console, width: int) -> Iterator[Text]:
        """What is said, folded, and below it the code."""
        for text, style in ((row.text, PLAIN), (row.code, CODE)):
            if text:
                for line in Text(text, style).wrap(console, max(width, 1)):
                    line.rstrip()
                    yield line
