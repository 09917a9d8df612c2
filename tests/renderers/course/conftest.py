"""What the tests of the course share: computed blocks of any sentence, and chapters of a test's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from attnviz import learn
from attnviz.api.learn import ComputedMaterial
from attnviz.renderers.course.computed import CHAPTERS
from attnviz.renderers.course.lesson import Lesson
from attnviz.renderers.shared.matrix import Matrix
from attnviz.text.course import read_chapter
from attnviz.text.lessons import lessons

SENTENCE = "Your journey starts with one step"


@pytest.fixture(scope="session")
def block() -> Callable[..., tuple[Any, ...]]:
    """block("softmax", "row", text=…, language=…) → the tables and sentences of that block."""

    def pieces(chapter: str, name: str, **options: Any) -> tuple[Any, ...]:
        return learn(1 + list(CHAPTERS).index(chapter), **options)[name].pieces

    return pieces


@pytest.fixture(scope="session")
def numbers() -> Callable[[Matrix], list[list[float]]]:
    """The cells of a table as numbers, without those that are none."""

    def read(matrix: Matrix) -> list[list[float]]:
        return [[float(cell.removesuffix("°")) for cell in row if cell not in ("", "…")] for row in matrix.cells]

    return read


@pytest.fixture
def lesson() -> Callable[..., Lesson]:
    """A lesson of a chapter of the test's own, which bears the name of one that there is."""

    def made(markdown: str, text: str = SENTENCE, name: str = "dot-product") -> Lesson:
        return Lesson(read_chapter(1, name, markdown), ComputedMaterial(text, lessons()), SENTENCE)

    return made
