"""Computed tables and sentences as HTML. What a reader gave stands in it as text, never as markup."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from attnviz.renderers.course.pieces import Piece
from attnviz.renderers.shared.colours import dark, rgb
from attnviz.renderers.shared.matrix import HIDDEN, Matrix

CODE, BOLD = re.compile("`([^`]+)`"), re.compile(r"\*\*(.+?)\*\*")


def of_pieces(pieces: Sequence[Piece]) -> str:
    """Tables and sentences."""
    return "\n".join(_table(piece) if isinstance(piece, Matrix) else f"<p>{sentence(piece)}</p>" for piece in pieces)


def sentence(text: str) -> str:
    """A sentence, with code for what stands between backticks."""
    return CODE.sub(r"<code>\1</code>", html.escape(text))


def prose(text: str) -> str:
    """A paragraph of a chapter, which may have bold words as well."""
    return BOLD.sub(r"<strong>\1</strong>", sentence(text))


def _table(matrix: Matrix) -> str:
    head = "".join(f'<th scope="col">{html.escape(column)}</th>' for column in matrix.columns)
    rows = "\n".join(
        f'<tr><th scope="row">{html.escape(label)}</th>{"".join(map(_cell, cells, tints))}</tr>'
        for label, cells, tints in zip(matrix.rows, matrix.cells, matrix.tints, strict=True)
    )
    corner = f'<th scope="col">{html.escape(matrix.corner)}</th>'
    return (
        f'<div class="table" tabindex="0"><table>\n<thead><tr>{corner}{head}</tr></thead>\n<tbody>\n{rows}\n'
        "</tbody></table></div>"
    )


def _cell(text: str, tint: float | None) -> str:
    shown = html.escape(text)
    if tint is None:
        return f"<td>{shown}</td>"
    if tint == HIDDEN:
        return f'<td class="hidden">{shown}</td>'
    colour = rgb(tint)
    ink = "#fff" if dark(colour) else "#000"
    return f'<td style="background:#{bytes(colour).hex()};color:{ink}">{shown}</td>'
