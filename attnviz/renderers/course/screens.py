"""The course in a terminal: chapters as renderables, cut into screens, and the list of all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.style import Style
from rich.text import Text

from attnviz.renderers.course.answered import Answered, Shown
from attnviz.renderers.course.contents import TITLE, WIDEST
from attnviz.renderers.shared.table import BOLD
from attnviz.text.course import Commands, Formula, Mark, Paragraph, Program, Subheading
from attnviz.text.lessons import Lessons

INDENT = 4 * " "
LINES = Style(color="cyan")
PART = Style(bold=True, color="cyan")
SHELL_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""")
LIT = re.compile(r"\*\*(.+?)\*\*|(`[^`]+`)")


def to_renderables(heading: str, parts: Iterable[Shown], words: Lessons) -> Iterator[RenderableType | None]:
    """The parts of a chapter in order, a heading together with what it is of; None is where a new screen begins.

    The Python of a notebook is left out.
    """
    above = [Text(heading, TITLE)]
    for part in parts:
        if part in (Mark.SCREEN, Mark.ANSWER):
            yield None
        title = _title(part, words)
        if title is not None:
            above.append(title)
        elif not isinstance(part, Mark | Program):
            yield Group(*(one for title in above for one in (title, Text(""))), _body(part))
            above = []


def _title(part: Shown, words: Lessons) -> Text | None:
    """A part that stands above others."""
    if isinstance(part, Subheading):
        return Text(part.text, BOLD)
    titles = {Mark.QUESTION: "course.question", Mark.ANSWER: "course.answer", Mark.NEXT: "course.next"}
    return Text(words.say(titles[part]), PART) if isinstance(part, Mark) and part in titles else None


def _body(part: Shown) -> RenderableType:
    match part:
        case Paragraph(text):
            return Constrain(prose(text), WIDEST)
        case Formula(lines):
            return Text("\n".join(f"{INDENT}{line}" for line in lines), LINES)
        case Commands(lines):
            return _Broken(lines)
    assert isinstance(part, Answered)
    return part


class _Broken:
    """Commands as a Rich renderable. One that is too wide goes on behind a backslash, so that a shell takes it as it stands."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.lines:
            yield Text(_broken(line, options.max_width), LINES, overflow="fold")


def _broken(line: str, width: int) -> str:
    broken, last = INDENT, ""
    for word in SHELL_WORD.findall(line):
        if last and cell_len(f"{last} {word} \\") > width:
            broken, last = f"{broken} \\\n{2 * INDENT}", 2 * INDENT
        elif last:
            broken, last = f"{broken} ", f"{last} "
        last = f"{last or INDENT}{word}"
        broken += word
    return broken


def prose(text: str) -> Text:
    """A paragraph in which **words** are bold."""
    shown = Text()
    at = 0
    for found in LIT.finditer(text):
        shown.append(text[at : found.start()])
        shown.append(found[1] or found[2], BOLD if found[1] else "cyan")
        at = found.end()
    return shown.append(text[at:])


def waiting_words(words: Lessons, number: int, count: int) -> str:
    """What stands below screen ``number`` of ``count`` while it waits for a key."""
    return words.say("course.key", number=number, count=count)


def paged(parts: Iterable[str | None], height: int | None) -> list[str]:
    """Texts, an empty line between them, on screens of ``height`` lines; None begins one. Without a height: one screen each.

    A text that is longer than a screen goes over several.
    """
    screens: list[list[str]] = [[]]
    for part in parts:
        if part is None:
            screens.append([])
            continue
        lines = [line.rstrip() for line in part.rstrip("\n").split("\n")]
        if height is not None and screens[-1] and len(screens[-1]) + 1 + len(lines) > height:
            screens.append([])
        if screens[-1]:
            screens[-1].append("")
        screens[-1] += lines
    if height is not None:
        screens = [lines[start : start + height] for lines in screens for start in range(0, len(lines), height)]
    return ["\n".join(lines) for lines in screens if lines]
