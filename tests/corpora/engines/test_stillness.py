"""A worker that hangs is ended; one that computes, or has nothing to do, is not."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from attnviz.corpora.engines import stillness
from attnviz.corpora.engines.stillness import HANGS, Stillness


def ends(block, seconds=0.4):
    """Whether this thread is taken for one that hangs while it runs ``block``."""
    ended = threading.Event()
    watch = Stillness(seconds, 0.05, ended.set)
    block(watch)
    return ended.is_set()


def computing(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(1000))


def waiting(watch):
    with watch.watched():
        time.sleep(1.0)


def test_one_that_waits_for_ever_is_ended():
    assert ends(waiting)


def test_one_that_computes_or_has_nothing_to_do_is_left_alone():
    def works(watch):
        with watch.watched():
            computing(1.0)

    def idles(watch):
        for _ in range(8):
            with watch.watched():
                time.sleep(0.02)
            time.sleep(0.1)

    assert not ends(works)
    assert not ends(idles)


def test_where_no_clock_of_a_thread_is_known_the_process_is_measured(monkeypatch):
    monkeypatch.delattr(time, "pthread_getcpuclockid")
    assert stillness._clock() is time.process_time


def test_the_process_ends_with_a_code_of_its_own():
    script = (
        "import time\nfrom attnviz.corpora.engines.stillness import Stillness\n"
        "with Stillness(0.2, 0.05).watched():\n    time.sleep(30)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=25, check=False).returncode == HANGS


def test_its_own_end_is_a_code(monkeypatch):
    codes = []
    monkeypatch.setattr(stillness.os, "_exit", codes.append)
    stillness._end()
    assert codes == [HANGS]
