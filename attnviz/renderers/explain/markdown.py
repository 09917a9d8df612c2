"""explain as Markdown: the same headings, sentences and tables, for notes and for GitHub."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attnviz.renderers.explain.document import Heading, Part, Section, one_by_one, with_tokens
from attnviz.renderers.shared.matrix import Matrix

# What Markdown or the HTML inside it would read as markup; a backslash makes each of them text.
MARKUP = re.compile(r"([\\`*_{}\[\]<>#|$~&])")


def to_markdown(parts: Iterable[Part]) -> str:
    """What ``sections.explain`` tells, as GitHub-flavoured Markdown."""
    blocks: list[str] = []
    level = 1
    for part in one_by_one(parts):
        if isinstance(part, Heading):
            level = part.level
            blocks.append(f"{'#' * level} {escaped(part.text)}")
            blocks += [_told(part.facts)] if part.facts else []
        else:
            blocks += _section(part, level + 1)
    return "\n\n".join(blocks) + "\n"


def _section(section: Section, level: int) -> list[str]:
    """The blocks of a section, whose heading is one level below that of the head or the layer above it."""
    blocks = [f"{'#' * level} {_told(section.title)}" + (f": {escaped(section.formula)}" if section.formula else "")]
    if section.sentences:
        blocks.append(" ".join(map(_told, section.sentences)))
    if section.lines:
        blocks.append("\n".join(f"    {line}" for line in section.lines))  # an indented block: nothing in it is markup
    return [*blocks, *map(table, section.matrices)]


def table(matrix: Matrix) -> str:
    """A table, its numbers at the right."""
    rows = [[matrix.corner, *matrix.columns]]
    rows += [[label, *cells] for label, cells in zip(matrix.rows, matrix.cells, strict=True)]
    lines = ["| " + " | ".join(map(escaped, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|:---|" + "---:|" * len(matrix.columns), *lines[1:]])


def _told(sentence: str) -> str:
    """A sentence, its tokens as code."""
    return with_tokens(sentence, escaped, _code)


def _code(token: str) -> str:
    """A code span: between more backticks than ``token`` holds in a row, and apart from those at its ends."""
    fence = "`" * (1 + max(map(len, re.findall("`+", token)), default=0))
    space = " " if token.startswith("`") or token.endswith("`") else ""
    return f"{fence}{space}{token}{space}{fence}"


def escaped(text: str) -> str:
    """``text`` as itself: nothing in it is markup."""
    return MARKUP.sub(r"\\\1", text)
