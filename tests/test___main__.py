"""python -m attnviz, and the program attnviz: the exit code, and what is done to start fast."""

import gc
import runpy
import sys
from importlib import import_module

import pytest
from command_line import program

from attnviz.__main__ import run
from attnviz.cli import app


@pytest.fixture(autouse=True)
def collector():
    threshold = gc.get_threshold()
    yield
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


def test_an_interruption_while_it_starts_is_130(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "main", interrupted)
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 130


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
