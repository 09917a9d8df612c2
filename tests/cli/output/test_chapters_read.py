"""The chapters that were read: kept where a person's programs keep their state, and never in the way."""

from __future__ import annotations

import errno
import json
import os

import pytest

from attnviz.cli.output.chapters_read import chapters_read, remember_read


@pytest.fixture
def state(tmp_path, monkeypatch):
    """A state folder that does not exist yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "attnviz" / "learn.json"


def test_what_was_read_is_kept(state, capsys):
    assert chapters_read() == set()
    for number in (5, 1, 5):
        remember_read(number)
    assert chapters_read() == {1, 5}
    assert json.loads(state.read_text()) == {"attnviz": 1, "read": [1, 5]}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("given", ["", "relative/folder"])
def test_without_a_state_folder_it_is_in_the_home(tmp_path, monkeypatch, given):
    """A relative XDG_STATE_HOME is ignored, as its specification has it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", given)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    remember_read(2)
    assert (tmp_path / "home/.local/state/attnviz/learn.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


@pytest.mark.parametrize("home", ["", "relative", "/nonexistent/home"])
def test_without_a_home_nothing_is_kept_and_nothing_is_said(tmp_path, monkeypatch, capsys, home):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", home)
    remember_read(2)
    assert chapters_read() == set()
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == ""


BROKEN = [
    b"",
    b"not json",
    b"\xff\xfe",
    b"[]",
    b"3",
    b"{}",
    b'{"read": 3}',
    b'{"read": null}',
    b'{"read": [true, "1", 0, 10, 1.0, [1], null]}',
    b"[" * 100_000,
    b'{"read": [1]}' + b" " * (1 << 17),
]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_such_file_counts_as_none_and_is_replaced(state, capsys, content):
    state.parent.mkdir(parents=True)
    state.write_bytes(content)
    assert chapters_read() == set()
    remember_read(3)
    assert chapters_read() == {3}
    assert capsys.readouterr().err == ""


def test_a_folder_that_cannot_be_written_is_told_in_one_line(state, capsys, monkeypatch):
    """As it is for a person; root may write everywhere, so the refusal is the system's word alone."""
    state.parent.mkdir(parents=True)

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)
    remember_read(3)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("attnviz: the list of chapters will not show that you read this one: ")
    monkeypatch.undo()
    assert not state.exists()


@pytest.mark.parametrize("place", ["state", "state/attnviz", "state/attnviz/learn.json"])
def test_what_stands_in_the_way_is_told_in_one_line(state, tmp_path, capsys, place):
    """A file where a folder should be, a folder where the file should be."""
    blocked = tmp_path / place
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.mkdir() if blocked == state else blocked.touch()
    remember_read(3)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("attnviz: the list of chapters will not show that you read this one: ")
    assert chapters_read() == set()
