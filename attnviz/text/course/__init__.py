"""The chapters of the course: Markdown files with named computed blocks, a folder for each language.

A chapter begins with ``# Title``. Then come paragraphs, ``## Headings``, marks and fenced blocks:

    ```computed NAME      what is computed stands here; its lines, "key: words", are the words that it is told in
    ```formula            shown as it is
    ```sh                 commands to go on with; ``{text}`` is the reader's sentence, and renderers/course/commands.py knows other such names
    ```python             the same for the notebook
    ---                   a new screen; ``--- question``, ``--- answer`` and ``--- next`` begin these three
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from attnviz.choices import Language

FOLDER = Path(__file__).parent
FENCED = re.compile(r"```(\w+)(?: ([\w-]+))?\n(.*?)^```$|^([^\n]+(?:\n(?!```)[^\n]+)*)$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"(\d+)-([a-z-]+)\.md")


class Mark(StrEnum):
    """Where a screen or a part begins."""

    SCREEN = ""
    QUESTION = "question"
    ANSWER = "answer"
    NEXT = "next"


class Paragraph(NamedTuple):
    """A paragraph; words between ** are bold, words between backticks are code."""

    text: str


class Subheading(NamedTuple):
    """A heading inside the chapter."""

    text: str


class Formula(NamedTuple):
    """Lines that are shown as they are."""

    lines: tuple[str, ...]


class Computed(NamedTuple):
    """What is computed, and the words that it is told in."""

    name: str
    words: Mapping[str, str]


class Commands(NamedTuple):
    """Commands for a shell, one a line."""

    lines: tuple[str, ...]


class Program(NamedTuple):
    """Python, for the notebook."""

    text: str


Part = Paragraph | Subheading | Formula | Computed | Commands | Program | Mark


class Chapter(NamedTuple):
    """A chapter of the course, counted from 1; ``name`` is that of its file."""

    number: int
    name: str
    title: str
    parts: tuple[Part, ...]


@lru_cache
def chapters(language: Language = Language.EN) -> tuple[Chapter, ...]:
    """All chapters in order."""
    files = {path: found for path in (FOLDER / language.value).iterdir() if (found := FILE.fullmatch(path.name))}
    made = (read_chapter(int(found[1]), found[2], path.read_text(encoding="utf-8")) for path, found in files.items())
    return tuple(sorted(made, key=lambda chapter: chapter.number))


def read_chapter(number: int, name: str, markdown: str) -> Chapter:
    """The chapter that a file holds; ValueError where it holds something else."""
    first, _, rest = markdown.partition("\n")
    if not first.startswith("# "):
        raise ValueError(f"{name}: a chapter begins with its title")
    return Chapter(number, name, first.removeprefix("# "), tuple(_parts(rest)))


def _parts(markdown: str) -> Iterator[Part]:
    for found in FENCED.finditer(markdown):
        yield _paragraph(found[4]) if found[4] else _block(found[1], found[2], found[3])


def _paragraph(text: str) -> Part:
    if text.startswith("---"):
        return Mark(text.removeprefix("---").strip())
    if text.startswith("## "):
        return Subheading(text.removeprefix("## "))
    return Paragraph(" ".join(text.split()))


def _block(kind: str, name: str, text: str) -> Part:
    lines = tuple(text.rstrip("\n").split("\n"))
    match kind:
        case "computed":
            return Computed(name, dict(_worded(line) for line in lines if line))
        case "formula":
            return Formula(lines)
        case "sh":
            return Commands(lines)
        case "python":
            return Program("\n".join(lines))
    raise ValueError(f"a block of {kind}: expected computed, formula, sh or python")


def _worded(line: str) -> tuple[str, str]:
    key, colon, words = line.partition(": ")
    if not colon:
        raise ValueError(f"{line!r}: expected a key, a colon and words")
    return key, words
