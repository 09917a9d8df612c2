"""The public call that opens a chapter of the course, and what its chapters compute with."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, overload

from attnviz.arguments import member, text_of, whole_number
from attnviz.choices import CHAPTER_LIMITS, TINY, Language
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.renderers.course.course import Course
    from attnviz.renderers.course.lesson import Lesson
    from attnviz.text.lessons import Lessons
    from attnviz.trace.roles import Roles
    from attnviz.trace.trace import Trace

MOST_WORDS = 64  # of a sentence: what a learner can follow, and what the tiny model reads
CASES = 100  # questions of each role: enough to see what breaks, and answered at once


@overload
def learn(chapter: None = None, *, text: str | None = None, language: str = "en") -> Course: ...
@overload
def learn(chapter: int, *, text: str | None = None, language: str = "en") -> Lesson: ...
def learn(chapter: int | None = None, *, text: str | None = None, language: str = "en") -> Lesson | Course:
    """A chapter of the course, with the numbers of ``text``, as ``attnviz learn`` shows it; or the whole course.

    A chapter prints as plain text, in colour on a Rich console, and shows itself in a notebook; ``lesson["NAME"]`` is
    one of the tables in it. The course prints as the list of its chapters; ``.to_html()`` and ``.to_notebook()`` are the page and
    the notebook of all of them, or of one: ``.to_html(chapter=1)``.

    chapter   from 1, the dot product, to 9, a model of one's own; None: the course
    text      the sentence that is computed with; None: the textbook's
    language  "en" or "vi"

    AttnvizError where there is no such chapter or language, or the text is empty or long.
    """
    from attnviz.renderers.course.lesson import Lesson
    from attnviz.sources.toy.toy import SAMPLE
    from attnviz.text.course import chapters

    spoken = member(Language, language, "language")
    computed = material(SAMPLE if text is None else text_of("text", text), spoken)
    if chapter is None:
        from attnviz.renderers.course.course import Course

        return Course([Lesson(one, computed, SAMPLE) for one in chapters(spoken)], spoken)
    number = whole_number("chapter", chapter, CHAPTER_LIMITS)
    return Lesson(chapters(spoken)[number - 1], computed, SAMPLE)


def material(text: str, language: Language) -> ComputedMaterial:
    """What the chapters compute with; AttnvizError where ``text`` has no words."""
    from attnviz.text.lessons import lessons

    made = ComputedMaterial(text, lessons(language))
    if (words := len(made.toy().tokens)) > MOST_WORDS:
        raise AttnvizError(
            "the text has {words:,} words: the course takes up to {most}",
            "give one sentence",
            words=words,
            most=MOST_WORDS,
        )
    return made


class ComputedMaterial:
    """The reader's sentence, the toy and the tiny model (renderers/course/material.py)."""

    def __init__(self, text: str, words: Lessons) -> None:
        self.text, self.lessons = text, words

    def toy(self, text: str | None = None, **options: Any) -> Trace:
        from attnviz.api import trace_text

        return trace_text(self.text if text is None else text, **options)

    def read(self, text: str) -> Trace:
        from attnviz.api import trace_model

        return trace_model(TINY, text)

    def written(self, text: str, tokens: int) -> Trace:
        from attnviz.api import generate

        return generate(TINY, text, tokens)

    def roles(self) -> Roles:
        return _tiny_roles()


@cache
def _tiny_roles() -> Roles:
    """The same for every chapter and sentence."""
    from attnviz.api.roles import roles

    return roles(TINY, cases=CASES)
