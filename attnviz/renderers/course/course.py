"""What Python gets of the whole course: its chapters, and all of them as a page or a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from attnviz.choices import Language
from attnviz.errors import AttnvizError
from attnviz.renderers.course.lesson import Lesson
from attnviz.renderers.shared.plain import plain
from attnviz.text.lessons import lessons as words_of


class Course(Sequence[Lesson]):
    """The chapters in their order. It prints as the list of ``attnviz learn``."""

    def __init__(self, lessons: Sequence[Lesson], language: Language) -> None:
        self.lessons, self.language = tuple(lessons), language

    def __getitem__(self, place: Any) -> Any:
        return self.lessons[place]

    def __len__(self) -> int:
        return len(self.lessons)

    def __iter__(self) -> Iterator[Lesson]:
        return iter(self.lessons)

    def to_html(self, chapter: int | None = None) -> str:
        """One page of all chapters, or of one of them, as ``attnviz learn --format html`` writes it."""
        from attnviz.renderers.course.page import to_html

        return to_html(self._chosen(chapter), self.language)

    def to_notebook(self, chapter: int | None = None) -> str:
        """The same as a notebook of Jupyter, as ``attnviz learn --format ipynb`` writes it."""
        from attnviz.renderers.course.notebook import to_notebook

        return to_notebook(self._chosen(chapter), self.language).decode()

    def _chosen(self, chapter: int | None) -> Sequence[Lesson]:
        if chapter is None:
            return self.lessons
        chosen = [one for one in self.lessons if one.chapter.number == chapter]
        if not chosen:
            raise AttnvizError(
                "there is no chapter {chapter}: the course has {count}", chapter=repr(chapter)[:40], count=len(self)
            )
        return chosen

    def __rich__(self) -> Any:
        """The list of chapters, on a Rich console."""
        from attnviz.renderers.course.contents import listed

        return listed([one.chapter for one in self.lessons], (), words_of(self.language), self.language)

    def __str__(self) -> str:
        return plain(self)

    def __repr__(self) -> str:
        return f"Course({len(self)} chapters; print() lists them)"

    def _repr_html_(self) -> str:
        """The list of chapters in a notebook."""
        from html import escape

        titles = "".join(f"<li>{escape(one.chapter.title)}</li>" for one in self.lessons)
        return f"<ol>{titles}</ol>"
