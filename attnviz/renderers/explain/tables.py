"""explain in a terminal: Rich renderables of headings, sentences and tinted tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.style import Style
from rich.text import Text

from attnviz.renderers.explain.document import Abreast, Heading, Part, Section
from attnviz.renderers.shared.sentence import Sentence
from attnviz.renderers.shared.table import BOLD, MatrixTable

TITLE, FORMULA = Style(bold=True), Style(color="cyan")


def to_renderable(part: Part) -> Group:
    """A Rich renderable of one part of what ``sections.explain`` tells."""
    if isinstance(part, Heading):
        return Group(*_heading(part))
    return Group(*(_section(part) if isinstance(part, Section) else _abreast(part)))


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


def _heading(heading: Heading) -> Iterator[Text | Sentence]:
    if heading.level == 1:
        yield Text(heading.text, style=BOLD)
        if heading.facts:
            yield Sentence(heading.facts)
        return
    yield Text("")
    yield Text.assemble((heading.text, Style(bold=True, underline=True)), f"  {heading.facts}" if heading.facts else "")


def _section(section: Section) -> Iterator[RenderableType]:
    yield Text("")
    yield from _words(section)
    yield from map(Arithmetic, section.lines)
    if section.matrices:
        yield Text("")
    if len(section.matrices) == 1:
        yield MatrixTable(section.matrices[0])
    elif section.matrices:
        from attnviz.renderers.shared.side_by_side import Beside, SideBySide

        yield SideBySide([Beside([], matrix) for matrix in section.matrices])


def _abreast(together: Abreast) -> Iterator[RenderableType]:
    from attnviz.renderers.shared.side_by_side import Beside, SideBySide

    yield Text("")
    yield SideBySide([Beside(list(_words(one)), one.matrices[0]) for one in together.sections])


def _words(section: Section) -> Iterator[Text]:
    """The title, the formula and the sentences of a section."""
    title = Text(section.title, style=TITLE)
    if section.formula:
        title.append(f"  {section.formula}", style=FORMULA)
    yield title
    yield from map(Text, section.sentences)
