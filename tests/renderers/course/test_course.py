"""The whole course: its list, its page, its notebook, and its chapters."""

from __future__ import annotations

import json

import pytest

from attnviz import AttnvizError, learn
from attnviz.renderers.course.lesson import Lesson


def test_it_holds_every_chapter_and_lists_them():
    course = learn()
    assert len(course) == 9
    assert [one.chapter.number for one in course] == list(range(1, 10))
    assert all(isinstance(one, Lesson) for one in course[:2])
    printed = str(course).splitlines()
    for lesson in course:
        assert any(line.strip() == f"{lesson.chapter.number}  {lesson.chapter.title}" for line in printed)
        assert f"<li>{lesson.chapter.title}</li>" in course._repr_html_()
    assert repr(course) == "Course(9 chapters; print() lists them)"


def test_a_page_and_a_notebook_of_one_chapter():
    course = learn(text="one step", language="vi")
    page, notebook = course.to_html(2), json.loads(course.to_notebook(chapter=2))
    assert course[1].heading in page
    assert course[2].heading not in page
    assert [cell for cell in notebook["cells"] if "".join(cell["source"]) == f"## {course[1].heading}"]


@pytest.mark.parametrize("chapter", [0, 10, "one"])
def test_a_chapter_that_is_not_there_is_told(chapter):
    with pytest.raises(AttnvizError, match=f"there is no chapter {chapter!r}: the course has 9"):
        learn().to_html(chapter)
