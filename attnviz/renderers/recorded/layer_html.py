"""The attentions of a recording in a notebook: the same table as HTML, no script, its style inside."""

from __future__ import annotations

from html import escape

from attnviz.renderers.recorded.rows import COLUMNS, TEXTS, told_layers
from attnviz.text.lessons import lessons
from attnviz.trace.recorded import RecordedLayers

TABLE = "border-collapse: collapse; font-variant-numeric: tabular-nums"


def to_html(layers: RecordedLayers) -> str:
    """The table, and the sentences below it."""
    said = told_layers(layers, lessons())
    rows = [_row("th", said.columns), *(_row("td", row) for row in said.rows)] if said.rows else []
    table = [f'<table style="{TABLE}">', *rows, "</table>"] if rows else []
    return "\n".join([*table, *(f"<p>{escape(line)}</p>" for line in said.sentences)])


def _row(tag: str, cells: tuple[str, ...]) -> str:
    return f"<tr>{''.join(_cell(tag, name, cell) for name, cell in zip(COLUMNS, cells, strict=True))}</tr>"


def _cell(tag: str, column: str, text: str) -> str:
    side = "left" if column in TEXTS else "right"
    return f'<{tag} style="padding: 0.15em 0.6em; text-align: {side}">{escape(text)}</{tag}>'
