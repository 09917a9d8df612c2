"""A chapter as HTML: for the page, and for what a notebook shows."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

from attnviz.renderers.course.answered import Answered, Shown
from attnviz.renderers.course.markup import of_pieces, prose
from attnviz.text.course import Commands, Formula, Mark, Paragraph, Program, Subheading
from attnviz.text.lessons import Lessons


def to_html(heading: str, parts: Iterable[Shown], words: Lessons) -> str:
    """A chapter: its title, its parts, the answer folded away. The Python of a notebook is left out."""
    return "\n".join([f"<h2>{html.escape(heading)}</h2>", *_parts(parts, words)])


def _parts(parts: Iterable[Shown], words: Lessons) -> Iterator[str]:
    say, folded = words.say, False
    for part in parts:
        if folded and (isinstance(part, Subheading) or part in (Mark.NEXT, Mark.SCREEN)):
            folded = False
            yield "</details>"
        match part:
            case Mark.SCREEN | Program():
                continue
            case Mark.QUESTION:
                yield f"<h3>{html.escape(say('course.question'))}</h3>"
            case Mark.ANSWER:
                folded = True
                yield f"<details><summary>{html.escape(say('course.answer'))}</summary>"
            case Mark.NEXT:
                yield f"<h3>{html.escape(say('course.next'))}</h3>"
            case Paragraph(text):
                yield f"<p>{prose(text)}</p>"
            case Subheading(text):
                yield f"<h3>{html.escape(text)}</h3>"
            case Formula(lines) | Commands(lines):
                yield f"<pre>{html.escape(chr(10).join(lines))}</pre>"
            case Answered(_, pieces):
                yield of_pieces(pieces)
    if folded:
        yield "</details>"
