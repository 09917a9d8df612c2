"""explain as Markdown: the same headings, sentences and tables, for notes and for GitHub."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attnviz.renderers.explain.document import Heading, Section
from attnviz.renderers.shared.matrix import Matrix

# What Markdown or the HTML inside it would read as markup; a backslash makes each of them text.
MARKUP = re.compile(r"([\\`*_{}\[\]<>#|$~&])")


def to_markdown(parts: Iterable[Heading | Section]) -> str:
    """What ``sections.explain`` tells, as GitHub-flavoured Markdown."""
    blocks: list[str] = []
    for part in parts:
        if isinstance(part, Heading):
            blocks.append(f"{'#' * part.level} {_text(part.text)}" + (f"\n\n{_text(part.facts)}" if part.facts else ""))
            continue
        blocks.append(f"#### {_text(part.title)}" + (f": {_text(part.formula)}" if part.formula else ""))
        if part.sentences:
            blocks.append(" ".join(map(_text, part.sentences)))
        if part.lines:
            blocks.append("\n".join(f"    {line}" for line in part.lines))  # an indented block: nothing in it is markup
        blocks += map(_table, part.matrices)
    return "\n\n".join(blocks) + "\n"


def _table(matrix: Matrix) -> str:
    rows = [[matrix.corner, *matrix.columns]]
    rows += [[label, *cells] for label, cells in zip(matrix.rows, matrix.cells, strict=True)]
    lines = ["| " + " | ".join(map(_text, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|:---|" + "---:|" * len(matrix.columns), *lines[1:]])


def _text(text: str) -> str:
    return MARKUP.sub(r"\\\1", text)
