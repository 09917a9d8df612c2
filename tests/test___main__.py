"""python -m attnviz, and the program attnviz: the exit code, and what is done to start fast."""

import gc
import runpy
import signal
import sys
from importlib import import_module

import pytest
from command_line import program

from attnviz import files
from attnviz.__main__ import run
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


def ended_by(number, monkeypatch):
    """The exit code of a run that a signal ends."""
    monkeypatch.setattr(app, "main", lambda: signal.raise_signal(number))
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


def test_what_a_second_signal_leaves_is_removed_at_the_end(monkeypatch, tmp_path):
    left = tmp_path / ".attnviz-0123456789abcdef"
    left.touch()
    monkeypatch.setattr(files, "_unfinished", {left})
    assert ended_by(signal.SIGINT, monkeypatch) == 130
    assert not left.exists()


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
