"""The list of chapters. Light: it needs no numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.style import Style
from rich.text import Text

from attnviz.choices import Language
from attnviz.text.course import Chapter
from attnviz.text.lessons import Lessons

WIDEST = 80  # cells of a line of text, however wide the terminal is
TITLE, DIM = Style(bold=True, underline=True), Style(dim=True)
TICK = "✓"


def listed(
    all_chapters: Iterable[Chapter], read: Collection[int], words: Lessons, language: Language = Language.EN
) -> RenderableType:
    """The list of chapters, those marked that were ``read``, and the command that goes on, in ``language`` as well."""
    chapters = tuple(all_chapters)
    lines = [
        Text.assemble((TICK if chapter.number in read else " ", "green"), f"  {chapter.number}  {chapter.title}")
        for chapter in chapters
    ]
    left = next((chapter.number for chapter in chapters if chapter.number not in read), chapters[0].number)
    spoken = [] if language is Language.EN else ["--lang", language.value]  # as the commands of its chapters have it
    return Group(
        Text(words.say("course.title", count=len(chapters)), TITLE),
        Text(""),
        *lines,
        Text(""),
        Text(words.say("course.begin", command=" ".join([f"attnviz learn {left}", *spoken]))),
        Constrain(Text(words.say("course.own"), DIM), WIDEST),
    )
