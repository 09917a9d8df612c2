"""A matrix as a table of HTML, its style inside: each number on its own colour, as in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from attnviz.renderers.shared.colours import LEVELS, dark, rgb
from attnviz.renderers.shared.matrix import HIDDEN, Matrix

TEXT = "font-family: monospace; white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere"  # as notebooks would not
TABLE = "border-collapse: collapse; margin: 0.6em 0; font-variant-numeric: tabular-nums; font-size: inherit"
CORNER, LABEL = "text-align: left; opacity: 0.7", "text-align: left"
CELL = "padding: 0.15em 0.6em; white-space: nowrap"


def to_table(matrix: Matrix) -> Iterator[str]:
    """The lines of the table."""
    yield f'<table style="{TABLE}">'
    yield f"<tr>{_cell('th', CORNER, matrix.corner)}{''.join(_cell('th', '', label) for label in matrix.columns)}</tr>"
    for label, cells, tints in zip(matrix.rows, matrix.cells, matrix.tints, strict=True):
        numbers = (_cell("td", _tinted(tint), cell) for cell, tint in zip(cells, tints, strict=True))
        yield f"<tr>{_cell('th', LABEL, label)}{''.join(numbers)}</tr>"
    yield "</table>"


def _cell(tag: str, style: str, text: str) -> str:
    own = style or "text-align: right"
    return f'<{tag} style="{CELL}; {own}">{escape(text)}</{tag}>'


def _tinted(tint: float | None) -> str:
    """The style of a number: black or white on its own colour, as in a terminal; what is hidden is pale."""
    if tint is None:
        return ""
    if tint == HIDDEN:
        return "text-align: right; opacity: 0.5"
    colour = rgb(round(tint * LEVELS) / LEVELS)
    back, text = "#{:02x}{:02x}{:02x}".format(*colour), "#ffffff" if dark(colour) else "#000000"
    return f"text-align: right; background: {back}; color: {text}"


def as_it_stands(text: str) -> str:
    """``text`` in its own lines, as on a terminal, folded where the window ends."""
    return f'<pre style="{TEXT}">{escape(text)}</pre>'
