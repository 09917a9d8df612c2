"""What a person sees on standard error while attnviz works: only on a terminal, and nothing that is not known."""

from __future__ import annotations

import contextlib
import io
import sys

import pytest
from command_line import without_escapes

from attnviz.cli.app import main
from attnviz.cli.output.progress import progress


class Watched(io.StringIO):
    """A standard error that somebody sees."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")


def seen(done: int, total: int | None, **options) -> str:
    """What a terminal shows of one report."""
    with contextlib.redirect_stderr(Watched()) as stderr, progress("texts", **options) as report:
        report("texts", done, total)
    return without_escapes(stderr.getvalue())


@pytest.mark.parametrize("timed", [False, True])
def test_where_the_end_is_not_known_no_bar_pretends_that_it_is(timed):
    text = seen(12, None, timed=timed)
    assert "texts" in text
    assert "0:00:0" in text
    assert ("12" in text) is timed
    assert "?" not in text
    assert "━" not in text


def test_where_the_end_is_known_a_bar_says_how_far_it_is():
    assert "3/12" in seen(3, 12)
    assert "━" in seen(3, 12)


def test_nobody_who_does_not_watch_is_told():
    with progress("texts", timed=True) as report:
        report("texts", 1, 2)
    assert not sys.stderr.isatty()


@pytest.mark.parametrize(("words", "told"), [(1100, True), (11, False)])
def test_explain_says_how_far_a_long_text_is_and_nothing_of_a_short_one(folder, words, told):
    with contextlib.redirect_stderr(Watched()) as stderr:
        assert main(["explain", "word " * words, "--key", "@3", "-o", "top.txt"]) == 0
    assert ("weights" in without_escapes(stderr.getvalue())) is told
    assert (folder / "top.txt").exists()
