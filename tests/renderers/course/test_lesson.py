"""A chapter with its numbers."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from attnviz import AttnvizError, learn
from attnviz.choices import Language
from attnviz.renderers.course.computed import CHAPTERS
from attnviz.text.course import Computed, chapters

ALL = [(language, chapter) for language in Language for chapter in chapters(language)]
IDS = [f"{language} {chapter.number}" for language, chapter in ALL]


def missing(chapter, computed):
    """The blocks that a chapter names and nothing computes, and those that are computed for nothing."""
    return {part.name for part in chapter.parts if isinstance(part, Computed)} ^ set(computed[chapter.name])


@pytest.mark.parametrize(("language", "chapter"), ALL, ids=IDS)
def test_every_block_of_every_chapter_is_computed(language, chapter):
    assert missing(chapter, CHAPTERS) == set()
    lesson = learn(chapter.number, language=language)
    for part in chapter.parts:
        if isinstance(part, Computed):
            assert str(lesson[part.name]).strip()


@pytest.mark.slow
@pytest.mark.parametrize(("language", "chapter"), ALL, ids=IDS)
def test_every_word_of_a_block_is_used(language, chapter, monkeypatch):
    """Neither is a key written that nobody asks for, nor is a value given that has no place."""
    from attnviz.renderers.course import lesson as module

    said = []

    class Recording(module.Lessons):
        def say(self, name, **values):
            said.append((name, tuple(sorted(values))))
            return super().say(name, **values)

    monkeypatch.setattr(module, "Lessons", Recording)
    for part in chapter.parts:
        if isinstance(part, Computed):
            del said[:]
            for text in ("Your journey starts with one step", "we learn word by", "hello"):
                learn(chapter.number, language=language, text=text)[part.name]
            assert {name for name, _ in said} == set(part.words)
            for name, values in said:
                assert all(f"{{{value}}}" in part.words[name] for value in values), name


def test_a_planted_block_that_nothing_computes_is_found():
    chapter = chapters()[0]
    planted = chapter._replace(parts=(*chapter.parts, Computed("planted", {})))
    assert missing(planted, CHAPTERS) == {"planted"}


def test_a_block_is_computed_once(lesson):
    made = lesson("# A\n\n```computed worked\nvectors: v\nproducts: p\ndot: d\nangle: a\n```\n")
    assert made["worked"] is made["worked"]


@pytest.mark.parametrize("name", ["nothing", "a\x1b[31m", 3])
def test_an_unknown_block_is_an_error_that_names_those_there_are(name):
    with pytest.raises(
        AttnvizError, match=r"chapter 1 computes no .*: it has worked, vectors, question, against"
    ) as error:
        learn(1)[name]
    assert "\x1b" not in error.value.message


def test_it_prints_as_it_stands_on_a_console():
    lesson = learn(1)
    console = Console(width=1000, record=True, file=io.StringIO(), highlight=False, emoji=False)
    console.print(lesson)
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert lines == str(lesson).splitlines()
    assert lesson._repr_html_().startswith("<h2>1 · The dot product</h2>")
    assert repr(lesson) == "Lesson(1: The dot product; print() shows it)"
