"""Chapters cut into screens, and the list of chapters."""

from __future__ import annotations

import shlex
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from attnviz.choices import Language
from attnviz.renderers.course.contents import WIDEST
from attnviz.renderers.course.screens import paged, prose, to_renderables, waiting_words
from attnviz.renderers.shared.plain import plain
from attnviz.text.course import Chapter, Commands, Formula, Paragraph, Subheading, chapters
from attnviz.text.lessons import lessons


def test_what_fits_stands_on_one_screen_with_empty_lines_between():
    assert paged(["a\nb\n", "c"], 4) == ["a\nb\n\nc"]
    assert paged(["a\nb\n", "c"], 3) == ["a\nb", "c"]
    assert paged(["a", None, "b"], 10) == ["a", "b"]
    assert paged([None, "a", None, None], 10) == ["a"]


def test_what_is_longer_than_a_screen_goes_over_several():
    assert paged(["a\nb\nc\nd\ne"], 2) == ["a\nb", "c\nd", "e"]


def test_without_a_height_only_the_marks_cut():
    assert paged(["a\n" * 100, "b", None, "c"], None) == ["a\n" * 99 + "a\n\nb", "c"]


def test_bold_words_and_code_lose_only_the_stars():
    text = prose("a **b** `c` d")
    assert text.plain == "a b `c` d"
    assert [(text.plain[span.start : span.end], str(span.style)) for span in text.spans] == [
        ("b", "bold"),
        ("`c`", "cyan"),
    ]


def test_a_heading_is_never_alone_at_the_end_of_a_screen(lesson):
    made = lesson(
        "# A\n\nOne.\n\n## Inside\n\nTwo.\n\n--- question\n\nThree.\n\n--- next\n\n```sh\nattnviz learn\n```\n"
    )
    parts = [plain(part) for part in made.renderables if part is not None]
    assert parts == ["1 · A\n\nOne.\n", "Inside\n\nTwo.\n", "Question\n\nThree.\n", "Go on\n\n    attnviz learn\n"]


def test_an_answer_begins_a_screen_and_a_program_is_for_notebooks(lesson):
    made = lesson("# A\n\nOne.\n\n---\n\nTwo.\n\n--- answer\n\nThree.\n\n```python\na = 1\n```\n")
    shown = [part if part is None else plain(part) for part in made.renderables]
    assert shown == ["1 · A\n\nOne.\n", None, "Two.\n", None, "Answer\n\nThree.\n"]


def test_the_waiting_line_says_how_far_one_is():
    assert waiting_words(lessons(), 2, 3) == "Screen 2 of 3. Any key: next. q: stop."


def test_a_command_that_is_too_wide_goes_on_behind_a_backslash():
    command = """attnviz explain 'say "$x" it'"'"'s 5' --step scores --query @0"""
    console = Console(width=40, file=StringIO())
    (commands,) = to_renderables("1", [Commands((command, "attnviz learn 2"))], lessons())
    console.print(commands.renderables[-1])
    lines = console.file.getvalue().splitlines()
    assert all(len(line) <= 40 for line in lines)
    assert len(lines) > 2
    assert shlex.split("\n".join(lines[:-1]).replace("\\\n", "")) == shlex.split(command)
    assert lines[-1] == "    attnviz learn 2"


def wide_lines(chapter: Chapter) -> list[str]:
    """Lines of a chapter's own words that a terminal of 80 columns would cut or fold, though they are written for it."""
    words = [part for part in chapter.parts if isinstance(part, Paragraph | Formula | Subheading)]
    shown = to_renderables(f"{chapter.number} · {chapter.title}", words, lessons())
    console = Console(width=1000, file=StringIO())
    for one in shown:
        console.print(one)
    return [line for line in console.file.getvalue().splitlines() if cell_len(line.rstrip()) > WIDEST]


@pytest.mark.parametrize("language", Language)
def test_no_line_of_a_chapter_is_wider_than_80_columns(language):
    assert {chapter.title: found for chapter in chapters(language) if (found := wide_lines(chapter))} == {}


@pytest.mark.parametrize("part", [Formula((77 * "x",)), Subheading(81 * "x")])
def test_a_planted_wide_line_is_found(part):
    assert len(wide_lines(Chapter(1, "a", "A", (part, Paragraph("word " * 100))))) == 1
