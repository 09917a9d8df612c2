"""explain in a terminal: Rich renderables of headings, sentences and tinted tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.style import Style
from rich.text import Text

from attnviz.renderers.explain.document import Heading, Section
from attnviz.renderers.shared.table import BOLD, MatrixTable

TITLE, FORMULA = Style(bold=True), Style(color="cyan")


def to_renderable(part: Heading | Section) -> Group:
    """A Rich renderable of one part of what ``sections.explain`` tells."""
    return Group(*(_heading(part) if isinstance(part, Heading) else _section(part)))


class Arithmetic:
    """A Rich renderable of a line of arithmetic: too long a line is broken before a + or a =, and goes on indented."""

    def __init__(self, line: str) -> None:
        self.line = line

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not self.line.startswith(" "):
            yield Text(self.line)
            return
        line = ""
        for word in re.split(r"(?<=\S)(?= [+=] )", self.line):
            if line and cell_len(line + word) > options.max_width:
                yield Text(line)
                line = "   "
            line += word
        yield Text(line)


def _heading(heading: Heading) -> Iterator[Text]:
    if heading.level == 1:
        yield Text(heading.text, style=BOLD)
        if heading.facts:
            yield Text(heading.facts)
        return
    yield Text("")
    yield Text.assemble((heading.text, Style(bold=True, underline=True)), f"  {heading.facts}" if heading.facts else "")


def _section(section: Section) -> Iterator[Text | MatrixTable | Arithmetic]:
    yield Text("")
    title = Text(section.title, style=TITLE)
    if section.formula:
        title.append(f"  {section.formula}", style=FORMULA)
    yield title
    yield from map(Text, section.sentences)
    yield from map(Arithmetic, section.lines)
    for matrix in section.matrices:
        yield Text("")
        yield MatrixTable(matrix)
