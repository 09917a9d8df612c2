"""A chapter with its numbers: what is computed stands in its place, in the reader's language and about their sentence."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from attnviz.errors import AttnvizError
from attnviz.renderers.course.answered import Answered, Shown
from attnviz.renderers.course.commands import Places
from attnviz.renderers.course.computed import CHAPTERS
from attnviz.renderers.course.material import Material
from attnviz.renderers.course.screens import paged, to_renderables
from attnviz.renderers.course.sections import to_html
from attnviz.renderers.shared.plain import plain
from attnviz.text.course import Chapter, Commands, Computed, Program
from attnviz.text.display import listed_tokens
from attnviz.text.lessons import Lessons


class Lesson:
    """A chapter of the course. ``print`` shows it; ``lesson["weights"]`` is one of its computed blocks.

    ``sample`` is the sentence that stands in the commands where the reader's own is none that a command line shows well.
    """

    def __init__(self, chapter: Chapter, material: Material, sample: str) -> None:
        self.chapter, self.material, self.places = chapter, material, Places(material, sample)
        self._answered: dict[str, Answered] = {}

    @property
    def parts(self) -> Iterator[Shown]:
        """What the chapter holds, in order."""
        for part in self.chapter.parts:
            match part:
                case Computed():
                    yield self[part.name]
                case Commands(lines):
                    yield Commands(tuple(map(self.places.in_a_shell, lines)))
                case Program(text):
                    yield Program(self.places.in_python(text))
                case _:
                    yield part

    def __getitem__(self, name: str) -> Answered:
        if name not in self._answered:
            blocks = {part.name: part for part in self.chapter.parts if isinstance(part, Computed)}
            if name not in blocks:
                given = listed_tokens([str(name)])
                raise AttnvizError(
                    "chapter {number} computes no {given}: it has {blocks}",
                    number=self.chapter.number,
                    given=given,
                    blocks=", ".join(blocks),
                )
            compute = CHAPTERS[self.chapter.name][name]
            self._answered[name] = Answered(name, tuple(compute(self.material, Lessons(dict(blocks[name].words)).say)))
        return self._answered[name]

    @property
    def renderables(self) -> Iterator[RenderableType | None]:
        """The same for a terminal; None is where a new screen begins."""
        return to_renderables(self.heading, self.parts, self.material.lessons)

    @property
    def heading(self) -> str:
        """The title with its number."""
        return f"{self.chapter.number} · {self.chapter.title}"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for number, part in enumerate(part for part in self.renderables if part is not None):
            if number:
                yield Text("")
            yield part

    def __str__(self) -> str:
        screens = paged((None if part is None else plain(part) for part in self.renderables), None)
        return "\n\n".join(screens) + "\n"

    def __repr__(self) -> str:
        return f"Lesson({self.chapter.number}: {self.chapter.title}; print() shows it)"

    def _repr_html_(self) -> str:
        return to_html(self.heading, self.parts, self.material.lessons)
