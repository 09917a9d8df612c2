"""The chapters as files: what a block may be, and that both languages hold the same."""

from __future__ import annotations

import re
import string
import unicodedata
from itertools import zip_longest

import pytest

from attnviz.choices import CHAPTER_LIMITS, Language
from attnviz.text.course import (
    FOLDER,
    Chapter,
    Commands,
    Computed,
    Formula,
    Mark,
    Paragraph,
    Program,
    Subheading,
    chapters,
    read_chapter,
)

ENGLISH, VIETNAMESE = chapters(Language.EN), chapters(Language.VI)
PAIRS = pytest.mark.parametrize(("ours", "theirs"), list(zip(VIETNAMESE, ENGLISH, strict=True)))

MARKDOWN = """# A title

Words on
two lines, **bold**.

## Inside

```computed one
first: Of `{query}`: all.
second: more
```
```computed none
```

--- question

---

```formula
a  b
 c
```

```sh
attnviz one
attnviz two
```

```python
a = 1

b = 2
```
"""


def test_a_chapter_is_read_part_by_part():
    assert read_chapter(3, "name", MARKDOWN) == Chapter(
        3,
        "name",
        "A title",
        (
            Paragraph("Words on two lines, **bold**."),
            Subheading("Inside"),
            Computed("one", {"first": "Of `{query}`: all.", "second": "more"}),
            Computed("none", {}),
            Mark.QUESTION,
            Mark.SCREEN,
            Formula(("a  b", " c")),
            Commands(("attnviz one", "attnviz two")),
            Program("a = 1\n\nb = 2"),
        ),
    )


@pytest.mark.parametrize(
    ("markdown", "message"),
    [
        ("no title\n", "a chapter begins with its title"),
        ("# A\n\n```text\na\n```\n", "a block of text: expected computed, formula, sh or python"),
        ("# A\n\n```computed a\nno colon\n```\n", "'no colon': expected a key, a colon and words"),
        ("# A\n\n--- elsewhere\n", "'elsewhere' is not a valid Mark"),
    ],
)
def test_what_is_no_chapter_is_found(markdown, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_chapter(1, "a", markdown)


@pytest.mark.parametrize("language", Language)
def test_every_file_is_a_chapter_and_they_are_counted_without_a_gap(language):
    numbers = [chapter.number for chapter in chapters(language)]
    assert numbers == list(range(int(CHAPTER_LIMITS.min), int(CHAPTER_LIMITS.max) + 1))
    assert len(list((FOLDER / language.value).iterdir())) == len(numbers)


def shape(part):
    """What must be the same in every language: the kind, the block's name, its keys and their places, commands without --lang."""
    match part:
        case Computed(name, words):
            places = {
                key: sorted(field for _, field, _, _ in string.Formatter().parse(text) if field)
                for key, text in words.items()
            }
            return name, places
        case Commands(lines):
            return [line.replace(" --lang vi", "") for line in lines]
        case Program(text):
            return text.replace(', language="vi"', "")
        case Mark():
            return part.value
    return type(part)


def differences(ours, theirs):
    """The parts that one chapter has otherwise than another."""
    return [
        (one, other)
        for one, other in zip_longest(ours.parts, theirs.parts)
        if type(one) is not type(other) or shape(one) != shape(other)
    ]


@PAIRS
def test_both_languages_hold_the_same_parts(ours, theirs):
    assert (ours.number, ours.name) == (theirs.number, theirs.name)
    assert differences(ours, theirs) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("```computed one\n", "```computed another\n"),
        ("second: more\n", ""),
        ("{query}", "{key}"),
        ("--- question\n", "--- answer\n"),
        ("attnviz two", "attnviz three"),
        ("b = 2", "b = 3"),
        ("## Inside\n", ""),
        ("```formula\na  b\n c\n```\n", "A paragraph.\n"),
    ],
)
def test_a_planted_difference_is_found(old, new):
    assert old in MARKDOWN
    one, other = (read_chapter(1, "a", text) for text in (MARKDOWN, MARKDOWN.replace(old, new)))
    assert differences(one, other)


@pytest.mark.parametrize("chapter", [*ENGLISH, *VIETNAMESE], ids=lambda chapter: f"{chapter.number} {chapter.title}")
def test_a_chapter_asks_one_question_answers_it_and_goes_on(chapter):
    assert [part for part in chapter.parts if isinstance(part, Mark) and part] == [
        Mark.QUESTION,
        Mark.ANSWER,
        Mark.NEXT,
    ]
    assert sum(isinstance(part, Program) for part in chapter.parts) == 1
    question, answer, after = (chapter.parts.index(mark) for mark in (Mark.QUESTION, Mark.ANSWER, Mark.NEXT))
    assert any(isinstance(part, Computed) for part in chapter.parts[question:answer])
    assert any(isinstance(part, Computed) for part in chapter.parts[answer:after])
    [*_, last] = [line for part in chapter.parts if isinstance(part, Commands) for line in part.lines]
    if chapter.number < len(ENGLISH):
        assert last.removesuffix(" --lang vi") == f"attnviz learn {chapter.number + 1}{{own}}"


@pytest.mark.parametrize("chapter", VIETNAMESE, ids=lambda chapter: chapter.title)
def test_commands_of_a_language_speak_it(chapter):
    """Whatever can be said in Vietnamese is; the manual cannot."""
    lines = [line for part in chapter.parts if isinstance(part, Commands) for line in part.lines]
    assert [line for line in lines if line.split()[1] != "manual" and not line.endswith(" --lang vi")] == []
    [program] = [part.text for part in chapter.parts if isinstance(part, Program)]
    printed = [line for line in program.splitlines() if line.startswith("print(")]
    assert [line for line in printed if 'language="vi"' not in line] == []


def numbers(chapter):
    """Decimals in the words of a chapter, which should be computed."""
    texts = [
        text
        for part in chapter.parts
        for text in (
            [part.text] if isinstance(part, Paragraph) else part.words.values() if isinstance(part, Computed) else []
        )
    ]
    return [found for text in texts for found in re.findall(r"\d+[.,]\d+|\d+ %", text)]


@pytest.mark.parametrize("chapter", [*ENGLISH, *VIETNAMESE], ids=lambda chapter: f"{chapter.number} {chapter.title}")
def test_no_result_is_written_into_the_words(chapter):
    assert numbers(chapter) == []


def test_a_planted_result_is_found():
    assert numbers(read_chapter(1, "a", "# A\n\nIt is 0.4655.\n\n```computed b\nc: 44 %\n```\n")) == ["0.4655", "44 %"]


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.md")), ids=lambda path: f"{path.parent.name} {path.stem}")
def test_a_file_is_well_formed(path):
    text = path.read_text(encoding="utf-8")
    assert text == unicodedata.normalize("NFC", text)
    assert text.endswith("\n")
    assert all(line == line.rstrip() for line in text.splitlines())
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert prose.count("`") % 2 == 0
    assert prose.count("**") % 2 == 0
