"""Work that nobody watches says nothing; a step of it is done whole, whenever Ctrl-C or SIGTERM comes."""

from __future__ import annotations

import signal
import threading

import pytest

from attnviz.progress import ENDING, no_notice, no_progress, whole_step


def test_no_progress_takes_any_share_of_the_work(capsys):
    for done in range(3):
        no_progress(done, 2)
    assert capsys.readouterr() == ("", "")


def test_a_notice_for_nobody_goes_nowhere(capsys):
    no_notice("each map has 19 × 19 cells")
    assert capsys.readouterr() == ("", "")


@pytest.fixture(params=ENDING)
def number(request):
    """A signal that interrupts as Ctrl-C does in Python."""
    before = signal.signal(request.param, signal.default_int_handler)
    yield request.param
    assert signal.signal(request.param, before) is signal.default_int_handler  # as it was before the step


def interrupted(step, done):
    """What becomes of a ``step``, a function, that an interruption ends: each of what it yields is ``done``."""
    with pytest.raises(KeyboardInterrupt) as raised:
        done.extend(step())
    return raised.value


def test_a_signal_waits_until_the_step_has_ended(number):
    def step():
        with whole_step():
            signal.raise_signal(number)
            yield "whole"
        yield "too late"

    interrupted(step, done := [])
    assert done == ["whole"]


def test_whoever_asks_twice_does_not_wait(number):
    def step():
        with whole_step():
            signal.raise_signal(number)
            yield "once"
            signal.raise_signal(number)
            yield "too late"

    interrupted(step, done := [])
    assert done == ["once"]


def test_behind_a_step_signals_interrupt_as_before(number):
    with whole_step():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_a_step_that_fails_says_so_and_one_that_was_interrupted_as_well_is_interrupted(number):
    def step(signalled):
        with whole_step():
            if signalled:
                signal.raise_signal(number)
            yield
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        list(step(signalled=False))
    assert isinstance(interrupted(lambda: step(signalled=True), []).__context__, ValueError)


def test_a_step_in_a_step_waits_for_the_outer_one(number):
    def step():
        with whole_step():
            with whole_step():
                signal.raise_signal(number)
            yield "outer"
        yield "too late"

    interrupted(step, done := [])
    assert done == ["outer"]


def test_what_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with whole_step():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_waits_and_nothing_fails():
    seen = []

    def work():
        with whole_step():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
