"""The attentions of a recording for a person: a table, and below it why something is not kept."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from attnviz.renderers.recorded.rows import COLUMNS, TEXTS, told_layers
from attnviz.renderers.shared.plain import plain
from attnviz.renderers.shared.sentence import Sentence
from attnviz.renderers.shared.table import BOLD, DIM
from attnviz.text.lessons import lessons
from attnviz.trace.recorded import RecordedLayers


def to_renderable(layers: RecordedLayers) -> Group:
    """The table, as wide as it needs."""
    said = told_layers(layers, lessons())
    grid = Table.grid(padding=(0, 2))
    for name in COLUMNS if said.rows else ():
        grid.add_column(justify="left" if name in TEXTS else "right", overflow="fold")
    if said.rows:
        grid.add_row(*(Text(title, BOLD) for title in said.columns))
    for row in said.rows:
        grid.add_row(*map(Text, row))
    return Group(*([grid] if said.rows else []), *(Sentence(line, DIM) for line in said.sentences))


def to_text(layers: RecordedLayers) -> str:
    """The same as plain text."""
    return plain(to_renderable(layers)).rstrip("\n")
