"""The program as a whole: its commands, its exit codes, and errors as one line and a hint."""

import errno
import socket
import sys
from importlib import import_module
from inspect import signature

import pytest
from command_line import attnviz, done, problem, program

import attnviz as library
from attnviz.cli.app import COMMANDS, build, main
from attnviz.cli.typer_groups import Options
from attnviz.errors import DONE, FAILED, INTERRUPTED, USAGE


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.some(4)
def test_a_command_is_one_entry_and_one_file(name):
    run = getattr(import_module(f"attnviz.cli.commands.{name}"), name)
    assert "Example: attnviz " in run.__doc__
    assert set(build().commands) == set(COMMANDS)
    assert set(build([name, "text"]).commands) == {name}
    assert [parameter.name for parameter in signature(run).parameters.values()]


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_stands_in_two_groups_of_a_command(name):
    run = getattr(import_module(f"attnviz.cli.commands.{name}"), name)
    names: list[str] = []
    for group in run.__annotations__.values():
        kind = getattr(sys.modules[run.__module__], group, None) if isinstance(group, str) else group
        if isinstance(kind, type) and issubclass(kind, Options):
            names += dict.fromkeys(field for base in kind.__mro__[:-1] for field in base.__annotations__)
    assert len(names) == len(set(names))
    assert names


def test_the_arguments_of_the_program_are_taken_where_none_are_given(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["attnviz", "--version"])
    assert main() == DONE
    assert capsys.readouterr().out == f"attnviz {library.__version__}\n"


def test_done_failed_and_wrong_usage_have_codes_of_their_own():
    assert done("explain", "a").code == DONE == 0
    assert attnviz("explain", "--file", "none.txt").code == FAILED == 1
    assert attnviz("explain", "--nope").code == USAGE == 2
    assert INTERRUPTED == 130


class OutOfMemoryError(RuntimeError):
    """As torch calls it, of a GPU."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "not enough memory"),
        (MemoryError("cannot allocate 8 GiB"), "not enough memory: cannot allocate 8 GiB"),
        (OutOfMemoryError("CUDA out of memory"), "not enough memory: CUDA out of memory"),
        (ImportError("A page.\n\n  x: failed to map segment\n"), "not enough memory: x: failed to map segment"),
    ],
)
def test_too_little_memory_is_one_line(monkeypatch, error, message):
    _failing(monkeypatch, error)
    assert problem(attnviz("explain", "a"), FAILED) == message


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (
            OSError(errno.EMFILE, "Too many open files", "/lib/a.ttf"),
            "too many files are open at once",
            "raise ulimit -n",
        ),
        (OSError(errno.EIO, "Input/output error", "/lib/a.ttf"), "/lib/a.ttf: input/output error", None),
        (OSError(errno.EIO, "Input/output error"), "input/output error", None),
        (OSError("odd"), "odd", None),
    ],
)
def test_what_the_system_refuses_to_a_library_is_one_line(monkeypatch, error, message, hint):
    _failing(monkeypatch, error)
    result = attnviz("explain", "a")
    assert problem(result, FAILED) == message
    assert result.stderr.splitlines()[1:] == ([] if hint is None else [f"attnviz: hint: {hint}"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("stats", "a", "--model", "llama"), "the folder that attnviz runs in does not exist any more"),
        (("html", "a"), "attention.html: its folder does not exist"),
    ],
)
def test_a_folder_that_is_gone_is_one_line(tmp_path, arguments, message):
    (tmp_path / "gone").mkdir()
    shell = f'cd "{tmp_path}/gone" && rmdir ../gone && exec "$@"'
    assert problem(program(*arguments, shell=shell), FAILED) == message


def test_a_library_that_asks_for_a_folder_that_is_gone_is_one_line(monkeypatch):
    def gone():
        raise FileNotFoundError

    _failing(monkeypatch, OSError(errno.ENOENT, "No such file or directory"))
    monkeypatch.setattr("os.getcwd", gone)
    result = attnviz("explain", "a")
    assert problem(result, FAILED) == "the folder that attnviz runs in does not exist any more"
    assert result.stderr.splitlines()[1:] == ["attnviz: hint: cd to another folder"]


def test_a_language_that_is_none_of_ours_is_said_and_the_run_goes_on(monkeypatch):
    monkeypatch.setenv("ATTNVIZ_LANG", "fr")
    result = attnviz("explain", "a")
    assert result.code == DONE
    assert result.stderr.startswith("attnviz: ATTNVIZ_LANG is fr: the languages are en or vi, so this is in English\n")


def test_an_interruption_has_the_code_of_a_shell(monkeypatch):
    _failing(monkeypatch, KeyboardInterrupt())
    assert attnviz("explain", "a").code == INTERRUPTED


def test_a_mistake_of_ours_is_a_traceback(monkeypatch):
    _failing(monkeypatch, RuntimeError("a mistake"))
    with pytest.raises(RuntimeError, match="a mistake"):
        attnviz("explain", "a")


def _failing(monkeypatch, error):
    """The next command fails with ``error``."""

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(type(build(["explain"])), "main", fail)


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "a b", "--format", "json"),
        ("heatmap", "a b", "-o", "a.png"),
        ("html", "a b", "-o", "a.html"),
        ("stats", "a b"),
        ("manual", "security"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_without_a_model_no_command_opens_a_connection(monkeypatch, arguments):
    def refuse(*_):
        raise AssertionError("a connection")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert attnviz(*arguments).code == DONE
