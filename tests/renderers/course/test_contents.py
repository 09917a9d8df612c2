"""The list of chapters."""

from __future__ import annotations

from rich.console import Group

from attnviz.choices import Language
from attnviz.renderers.course.contents import listed
from attnviz.renderers.shared.plain import plain
from attnviz.text.course import chapters
from attnviz.text.lessons import lessons


def test_the_list_ticks_what_was_read_and_goes_on_after_it():
    lines = plain(listed(chapters(), {1, 2, 4}, lessons())).splitlines()
    assert [line[0] for line in lines[2:11]] == list("✓✓ ✓     ")
    assert "Go on with: attnviz learn 3" in lines
    assert "Go on with: attnviz learn 1" in plain(listed(chapters(), range(1, 10), lessons()))
    assert isinstance(listed(chapters(), (), lessons()), Group)


def test_the_command_that_goes_on_keeps_the_language():
    vietnamese = listed(chapters(Language.VI), {1}, lessons(Language.VI), Language.VI)
    assert "Học tiếp bằng lệnh: attnviz learn 2 --lang vi" in plain(vietnamese).splitlines()
