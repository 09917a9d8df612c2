"""What a person sees on standard error while attnviz works: only on a terminal, not at once, and nothing that is not known."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import time

import pytest
from command_line import without_escapes

from attnviz.cli.app import main
from attnviz.cli.output.progress import DELAY, progress


class Watched(io.StringIO):
    """A standard error that somebody sees."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")


def seen(done: int, total: int | None, **options) -> str:
    """What a terminal shows of work that takes longer than the delay."""
    with contextlib.redirect_stderr(Watched()) as stderr, progress("texts", delay=0.01, **options) as line:
        line("texts", done, total)
        _until(stderr.getvalue)
    return without_escapes(stderr.getvalue())


def _until(true, seconds=10.0):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


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
    assert "25%" in seen(3, 12, counted=False)


def test_a_second_report_brings_the_rate():
    with contextlib.redirect_stderr(Watched()) as stderr, progress("texts", delay=0.0, timed=True) as line:
        for done in range(1, 200):
            line("texts", done, 200)
            time.sleep(0.001)
        _until(lambda: "/s" in stderr.getvalue())


def test_of_work_that_is_done_before_the_delay_no_line_flashes_up():
    before = set(threading.enumerate())  # of which one of an earlier test may end meanwhile
    with contextlib.redirect_stderr(Watched()) as stderr, progress("texts", delay=60.0) as line:
        line("texts", 1, 2)
    assert stderr.getvalue() == ""
    assert set(threading.enumerate()) <= before  # and none waits for it any longer


def test_work_that_fails_takes_its_line_along():
    def fail(stderr):
        with progress("texts", delay=0.0):
            _until(stderr.getvalue)
            raise KeyError

    with contextlib.redirect_stderr(Watched()) as stderr, pytest.raises(KeyError):
        fail(stderr)
    assert stderr.getvalue().endswith("\x1b[2K")  # the line is erased


def test_the_usual_delay_is_below_a_persons_patience_and_above_a_flash():
    assert 0.2 <= DELAY <= 1.0
    with contextlib.redirect_stderr(Watched()) as stderr, progress("texts") as line:
        line("texts", 1, 2)
        assert stderr.getvalue() == ""
        _until(stderr.getvalue)


def test_where_nobody_watches_nothing_is_shown():
    with progress("texts", delay=0.0) as line:
        line("texts", 1, 2)
    assert not sys.stderr.isatty()


@pytest.mark.parametrize("command", ["explain", "heatmap", "html", "stats"])
def test_a_short_text_shows_no_progress(command):
    assert main([command, "a short text"]) == 0  # what is imported and compiled once may take long on a busy machine
    with contextlib.redirect_stderr(Watched()) as stderr:
        assert main([command, "a short text"]) == 0
    assert stderr.getvalue() == ""


def test_the_name_of_a_folder_is_shown_as_text():
    with contextlib.redirect_stderr(Watched()) as stderr, progress("loading \x1b]0;x\x07", delay=0.01):
        _until(stderr.getvalue)
    assert "\\x1b]0;x\\x07" in stderr.getvalue()
    assert "\x1b]" not in stderr.getvalue()
