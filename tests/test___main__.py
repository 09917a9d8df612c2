"""python -m attnviz, and the program attnviz: the exit code, and what is done to start fast."""

import functools
import gc
import runpy
import signal
import sys
import threading
import time
from importlib import import_module

import pytest
from command_line import program

from attnviz import files
from attnviz.__main__ import _Signals, run
from attnviz.cli import app


@pytest.fixture(autouse=True)
def process():
    """What a run changes of the process that tests it."""
    threshold = gc.get_threshold()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)
    gc.unfreeze()
    gc.set_threshold(*threshold)
    gc.enable()


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["explain", "--file", "none"], 1), (["--no"], 2)])
def test_the_exit_code_is_that_of_the_command_line(monkeypatch, arguments, code):
    monkeypatch.setattr(sys, "argv", ["attnviz", *arguments])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == code
    assert gc.isenabled()  # what long runs leave is collected


def ended_by(number, monkeypatch, main=signal.raise_signal):
    """The exit code of a run that a signal ends."""
    monkeypatch.setattr(app, "main", lambda: main(number))
    with pytest.raises(SystemExit) as ended:
        run()
    return ended.value.code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_the_code_of_a_shell(monkeypatch, number, code):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert ended_by(number, monkeypatch) == code
    assert signal.getsignal(signal.SIGINT) is signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_that_its_caller_has_ignored_stays_ignored(monkeypatch):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    monkeypatch.setattr(app, "main", lambda: signal.raise_signal(signal.SIGTERM) or 0)
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 0
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_a_signal_that_comes_before_the_run_interrupts_it():
    signals = _Signals()
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signals.interrupt()


def test_a_signal_that_comes_when_all_is_done_interrupts_nothing(monkeypatch):
    monkeypatch.setattr(files, "remove_unfinished", lambda: signal.raise_signal(signal.SIGINT))
    assert ended_by(0, monkeypatch, lambda _: 0) == 130


class ExtensionFileLoader:
    """As Python's own loads compiled code."""

    def exec_module(self, number):
        signal.raise_signal(number)
        return "imported"


def test_a_signal_waits_until_compiled_code_is_imported(monkeypatch):
    def main(number):
        assert ExtensionFileLoader().exec_module(number) == "imported"
        time.sleep(30)

    assert ended_by(signal.SIGINT, monkeypatch, main) == 130


def test_a_signal_waits_until_python_has_let_go_of_a_lock(monkeypatch):
    """A thread that is begun or ended by another would wait for it for ever."""

    class Lock:
        acquire = release = __exit__ = lambda *_: None
        __enter__ = functools.partial(
            signal.raise_signal, signal.SIGINT
        )  # so that it comes in threading's own function

    def main(_):
        with threading.Condition(Lock()):
            ended.append("let go")
        time.sleep(30)

    ended = []
    assert ended_by(signal.SIGINT, monkeypatch, main) == 130
    assert ended == ["let go"]


def test_a_signal_does_not_wait_until_a_thread_ends(monkeypatch):
    def main(number):
        threading.Timer(0.2, signal.pthread_kill, (threading.get_ident(), number)).start()
        threading.Event().wait(30)

    begun = time.monotonic()
    assert ended_by(signal.SIGINT, monkeypatch, main) == 130
    assert time.monotonic() - begun < 20


class Deleted:
    """Python tells nobody above of what is raised where an object ends."""

    def __init__(self, raises):
        self.raises = raises

    def __del__(self):
        self.raises()


def test_a_signal_where_nobody_would_hear_it_comes_again(monkeypatch, capsys):
    def main(number):
        Deleted(functools.partial(signal.raise_signal, number))
        time.sleep(30)

    assert ended_by(signal.SIGINT, monkeypatch, main) == 130
    assert capsys.readouterr().err == ""


def test_what_else_nobody_hears_is_told_as_before(monkeypatch):
    def raises():
        raise ValueError("told")

    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: told.append(str(what.exc_value)))
    assert ended_by(0, monkeypatch, lambda _: Deleted(raises) and 0) == 0
    assert told == ["told"]


def test_an_interruption_is_of_a_class_that_python_does_not_remember(monkeypatch):
    raised = []

    def main(number):
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt as error:
            raised.append(type(error))
            raise

    assert ended_by(signal.SIGINT, monkeypatch, main) == 130
    assert raised != [KeyboardInterrupt]


def test_an_error_of_what_is_closed_while_an_interruption_passes_is_none_of_the_run(monkeypatch):
    def main(number):
        try:
            signal.raise_signal(number)
        finally:  # as matplotlib closes a PDF of which it has written half
            raise AttributeError("pos")

    assert ended_by(signal.SIGTERM, monkeypatch, main) == 143


def test_an_error_without_a_signal_is_the_runs_own(monkeypatch):
    def main():
        raise AttributeError("pos")

    monkeypatch.setattr(app, "main", main)
    with pytest.raises(AttributeError, match="pos"):
        run()


def test_what_a_second_signal_leaves_is_removed_at_the_end(monkeypatch, tmp_path):
    left = tmp_path / ".attnviz-0123456789abcdef"
    left.touch()
    monkeypatch.setattr(files, "_unfinished", {left})
    assert ended_by(signal.SIGINT, monkeypatch) == 130
    assert not left.exists()


@pytest.mark.slow
def test_a_library_that_counts_what_is_left_in_the_end_has_nothing_to_tell(tmp_path, monkeypatch):
    """A figure holds itself, and with it the sketches of quantiles: what is not collected, nanobind tells of at length."""
    pytest.importorskip("datasketches")
    monkeypatch.chdir(tmp_path)
    made = program("stats", "a b a", "--quantiles", "0.5", "--metric", "entropy", "-o", "heads.png")
    assert (made.code, "leaked" in str(made.stderr)) == (0, False)


def test_the_module_and_the_program_are_the_same():
    assert import_module("attnviz.__main__").run is run
    assert program("--version").stdout.startswith(b"attnviz ")


def test_python_runs_the_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["attnviz", "--version"])
    monkeypatch.delitem(sys.modules, "attnviz.__main__")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("attnviz", run_name="__main__", alter_sys=False)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("attnviz ")
