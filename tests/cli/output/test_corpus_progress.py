"""How far a corpus is: all that is asked for, in one line, and in a log once a minute."""

from __future__ import annotations

import contextlib
import io
import time

import pytest
from command_line import without_escapes

from attnviz.cli.output.corpus_progress import clock, corpus_progress, said
from attnviz.corpora.choices import NEEDLES
from attnviz.corpora.standing import Standing, unwatched


class Watched(io.StringIO):
    """A standard error that somebody sees."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("standing", "total", "line"),
    [
        (Standing(), None, "0 texts, 0 tokens a second, 0 workers"),
        (Standing(10, 0, 500, workers=1), None, "10 texts, 50 tokens a second, 1 worker"),
        (Standing(10, 0, 500, workers=2), 40, "10 of 40 texts, 50 tokens a second, 0:30 left, 2 workers"),
        (
            Standing(1010, 3, 50_000, before=1000, workers=2),
            1030,
            "1,010 of 1,030 texts, 5,000 tokens a second, 0:20 left, 2 workers, 3 skipped, 1,000 finished before",
        ),
        (
            Standing(1000, 0, 0, before=1000),
            1030,
            "1,000 of 1,030 texts, 0 tokens a second, 0 workers, 1,000 finished before",
        ),
    ],
)
def test_a_line_says_all_of_it(standing, total, line):
    assert said(standing, total, 10.0) == line


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (61, "1:01"), (3600, "1:00:00"), (90_061, "25:01:01")])
def test_time_is_told_as_a_clock(seconds, shown):
    assert clock(seconds) == shown


def waited(stream, word):
    end = time.monotonic() + 10
    while word not in stream.getvalue():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_log_gets_a_line_each_time_and_none_of_a_short_run():
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        with corpus_progress(9) as watch:
            watch(Standing(3, workers=1))
        assert stderr.getvalue() == ""
        with corpus_progress(9, every=0.01) as watch:
            watch(Standing(3, workers=1))
            waited(stderr, "3 of 9 texts")


def test_a_terminal_shows_it_while_it_lasts(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("attnviz.cli.output.corpus_progress.DELAY", 0.01)
    with contextlib.redirect_stderr(Watched()) as stderr, corpus_progress(9) as watch:
        watch(Standing(3, workers=2))
        waited(stderr, "2 workers")
    assert "3 of 9 texts" in without_escapes(stderr.getvalue())


def test_a_narrow_terminal_shows_all_of_it_on_several_lines(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("attnviz.cli.output.corpus_progress.DELAY", 0.01)
    with contextlib.redirect_stderr(Watched()) as stderr, corpus_progress(9000) as watch:
        watch(Standing(3000, 12, workers=2, before=40))
        waited(stderr, "40 finished")
    shown = [line for line in without_escapes(stderr.getvalue()).splitlines() if line.strip()]
    assert "12 skipped" in " ".join(" ".join(shown).split())
    assert all(len(line) <= 36 for line in shown)


def test_nobody_is_told_where_nobody_asks():
    assert unwatched(Standing()) is None


def test_needles_are_counted_as_such():
    assert said(Standing(texts=2), 8, 1.0, NEEDLES).startswith("2 of 8 needles, ")
