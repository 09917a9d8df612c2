"""The list of chapters. Light: it needs no numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.style import Style
from rich.text import Text

from attnviz.text.course import Chapter
from attnviz.text.lessons import Lessons

WIDEST = 80  # cells of a line of text, however wide the terminal is
TITLE, DIM = Style(bold=True, underline=True), Style(dim=True)
TICK = "✓"


def listed(all_chapters: Iterable[Chapter], read: Collection[int], words: Lessons) -> RenderableType:
    """The list of chapters, those marked that were ``read``, and the command that goes on."""
    chapters = tuple(all_chapters)
    lines = [
        Text.assemble((TICK if chapter.number in read else " ", "green"), f"  {chapter.number}  {chapter.title}")
        for chapter in chapters
    ]
    left = next((chapter.number for chapter in chapters if chapter.number not in read), chapters[0].number)
    return Group(
        Text(words.say("course.title", count=len(chapters)), TITLE),
        Text(""),
        *lines,
        Text(""),
        Text(words.say("course.begin", command=f"attnviz learn {left}")),
        Constrain(Text(words.say("course.own"), DIM), WIDEST),
    )
