"""The attentions of a recording for a person: a table, and below it why something is not kept."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from attnviz.renderers.recorded.rows import COLUMNS, TEXTS, Told, told_layers
from attnviz.renderers.shared.plain import plain
from attnviz.renderers.shared.sentence import Sentence
from attnviz.renderers.shared.table import BOLD, DIM
from attnviz.text.lessons import lessons
from attnviz.trace.recorded import RecordedLayers

INDENT = (0, 0, 0, 2)  # of what stands below a layer's name where the terminal is narrow


class LayerTable:
    """A Rich renderable: a row for each attention, or two lines for each where the terminal is too narrow for a row."""

    def __init__(self, said: Told) -> None:
        self.said = said
        self.grid = _grid(said)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = Measurement.get(console, options.update(max_width=1_000_000), self.grid).maximum
        yield self.grid if wide <= options.max_width else Group(*_blocks(self.said))


def to_renderable(layers: RecordedLayers) -> Group:
    """The table, and the sentences below it."""
    said = told_layers(layers, lessons())
    table = [LayerTable(said)] if said.rows else []
    return Group(*table, *(Sentence(line, DIM) for line in said.sentences))


def to_text(layers: RecordedLayers) -> str:
    """The same as plain text."""
    return "\n".join(line.rstrip() for line in plain(to_renderable(layers)).splitlines())


def _grid(said: Told) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name in COLUMNS:
        grid.add_column(justify="left" if name in TEXTS else "right", no_wrap=True)
    grid.add_row(*(Text(title, BOLD) for title in said.columns))
    for row in said.rows:
        grid.add_row(*map(Text, row))
    return grid


def _blocks(said: Told) -> Iterator[RenderableType]:
    """Two lines for each attention: its number and its module; all else with its title."""
    titles = said.columns
    for number, module, how, *sizes, kept in said.rows:
        yield Text.assemble((number, BOLD), f"  {module}", overflow="fold")
        counted = [f"{title} {cell}" for title, cell in zip(titles[3:], sizes, strict=False) if cell]
        yield Padding(Text(" · ".join([how, *counted, kept])), INDENT)
