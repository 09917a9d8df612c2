"""The course as one page, which needs no network and no script."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

from attnviz.choices import Language
from attnviz.renderers.course.lesson import Lesson
from attnviz.text.characters import valid_text
from attnviz.text.display import shown_line

STYLE = Path(__file__).with_name("style.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"  # nothing is loaded, and nothing runs

DOCUMENT = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="sentence" dir="auto">{sentence}</p>
<nav aria-label="{contents}">
<ol>
{links}
</ol>
</nav>
{chapters}
</main>
</body>
</html>
"""


def to_html(lessons: Sequence[Lesson], language: Language) -> str:
    """The chapters as one document, with links to each."""
    say, text = lessons[0].material.lessons.say, lessons[0].material.text
    return DOCUMENT.format(
        language=language.value,
        policy=POLICY,
        title=html.escape(title(lessons)),
        style=STYLE.read_text(encoding="utf-8"),
        sentence=html.escape(say("course.sentence", text=valid_text(shown_line(text)))),
        contents=html.escape(say("course.contents")),
        links="\n".join(
            f'<li value="{number}"><a href="#chapter-{number}">{html.escape(name)}</a></li>'
            for number, name in ((lesson.chapter.number, lesson.chapter.title) for lesson in lessons)
        ),
        chapters="\n".join(
            f'<section id="chapter-{lesson.chapter.number}">\n{lesson._repr_html_()}\n</section>' for lesson in lessons
        ),
    )


def title(lessons: Sequence[Lesson]) -> str:
    """What the whole is called: the course, or its one chapter."""
    if len(lessons) == 1:
        return lessons[0].heading
    return lessons[0].material.lessons.say("course.title", count=len(lessons))
