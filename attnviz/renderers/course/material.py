"""What the course computes with. Renderers see no source, so whoever shows a chapter brings this."""

from __future__ import annotations

from typing import Any, Protocol

from attnviz.text.lessons import Lessons
from attnviz.trace.roles import Roles
from attnviz.trace.trace import Trace


class Material(Protocol):
    """The reader's sentence, and what can be asked about it and about the tiny model.

    text     the sentence
    lessons  explain's words in the reader's language
    """

    text: str
    lessons: Lessons

    def toy(self, text: str | None = None, **options: Any) -> Trace:
        """Toy attention of ``text`` (None: the sentence) to itself, with the options of ``attnviz.trace_text``."""

    def read(self, text: str) -> Trace:
        """The tiny model's attention while it reads ``text``."""

    def written(self, text: str, tokens: int) -> Trace:
        """What the tiny model writes after ``text``."""

    def roles(self) -> Roles:
        """What the heads of the tiny model look after."""
