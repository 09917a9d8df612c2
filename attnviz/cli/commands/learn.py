"""attnviz learn: the course, a chapter at a time on the terminal, or all of it in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.cli.options.learn import CourseOptions
from attnviz.cli.output.chapters_read import chapters_read, remember_read
from attnviz.cli.output.files import deliver, write
from attnviz.cli.output.formats import CourseFormat, chosen_format
from attnviz.cli.output.keys import goes_on, has_keyboard
from attnviz.cli.output.terminal import Terminal
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.renderers.course.lesson import Lesson


def learn(course: CourseOptions) -> None:
    """Learn attention in nine short chapters, with the numbers of your own sentence.

    Example: attnviz learn 1 --text "the cat sat on the mat"
    """
    form = chosen_format(course.output, course.format, CourseFormat.TERM)
    if course.chapter is None and form is CourseFormat.TERM:
        _list(course)
        return
    lessons = _lessons(course)
    match form:
        case CourseFormat.TERM:
            _show(lessons[0], course)
        case CourseFormat.HTML:
            from attnviz.renderers.course.page import to_html

            deliver([to_html(lessons, course.lang).encode()], course.output)
        case CourseFormat.IPYNB:
            from attnviz.renderers.course.notebook import to_notebook

            deliver([to_notebook(lessons, course.lang)], course.output)


def _lessons(course: CourseOptions) -> list[Lesson]:
    """The chapter that is asked for, or all."""
    from attnviz.api.learn import learn as lesson
    from attnviz.text.course import chapters

    chosen = [chapter.number for chapter in chapters(course.lang)] if course.chapter is None else [course.chapter]
    return [lesson(number, text=course.text, language=course.lang) for number in chosen]


def _list(course: CourseOptions) -> None:
    from attnviz.renderers.course.contents import listed
    from attnviz.text.course import chapters
    from attnviz.text.lessons import lessons

    if course.text is not None:
        raise UsageError("--text is for a chapter, and none is given", "attnviz learn 1 --text …")
    shown = listed(chapters(course.lang), chapters_read(), lessons(course.lang), course.lang)
    deliver([Terminal(course.output)(shown)], course.output)


def _show(lesson: Lesson, course: CourseOptions) -> None:
    """A chapter on screens. On a terminal with a keyboard each waits for a key; elsewhere all is written at once."""
    from attnviz.renderers.course.screens import paged, waiting_words

    terminal = Terminal(course.output)
    waits = course.output is None and terminal.height is not None and has_keyboard()
    parts = [None if part is None else terminal(part).decode(terminal.encoding) for part in lesson.renderables]
    screens = paged(parts, terminal.height - 1 if waits and terminal.height else None)  # below it the line that waits
    if course.output is not None and str(course.output) != "-":
        deliver([("\n\n".join(screens) + "\n").encode(terminal.encoding)], course.output)
        return
    for number, screen in enumerate(screens, start=1):
        apart = "\n" if number > 1 else ""
        write([f"{apart}{screen}\n".encode(terminal.encoding)], None)
        if number == len(screens) or not waits:
            continue
        if not goes_on(waiting_words(lesson.material.lessons, number, len(screens))):
            return
    if course.output is None and terminal.height is not None:
        remember_read(lesson.chapter.number)
