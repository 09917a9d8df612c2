"""A key between two screens, on a terminal of the test's own."""

from __future__ import annotations

import os
import pty
import sys
import termios
from types import SimpleNamespace

import pytest

from attnviz.cli.output import keys as keys_module
from attnviz.cli.output.keys import goes_on, has_keyboard


@pytest.fixture
def keyboard(monkeypatch):
    """A terminal as standard input; what is written to the other side of it are the keys."""
    ours, its = pty.openpty()
    with open(its, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield ours
    os.close(ours)


@pytest.fixture
def shown(monkeypatch):
    """What is written to standard output."""
    pieces = []
    monkeypatch.setattr(keys_module, "write", lambda written, _: pieces.extend(written))
    return pieces


def press(keyboard, keys):
    """Type ``keys`` as soon as the terminal takes them one by one, without an Enter."""
    mode = termios.tcgetattr(keyboard)
    mode[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(keyboard, termios.TCSANOW, mode)
    os.write(keyboard, keys)
    return mode


@pytest.mark.parametrize(
    ("keys", "goes"),
    [
        (b" ", True),
        (b"\n", True),
        (b"n", True),
        (b"\x1b[B", True),  # an arrow is no Escape
        ("ư".encode(), True),
        (b"q", False),
        (b"Q", False),
        (b"\x1b", False),
        (b"\x04", False),
    ],
)
def test_a_key_goes_on_or_stops(keyboard, shown, keys, goes):
    mode = press(keyboard, keys)
    assert goes_on("→ key?") is goes
    assert termios.tcgetattr(keyboard)[3] == mode[3]
    assert b"".join(shown).decode() == "→ key?\r      \r"


@pytest.mark.parametrize(("key", "goes"), [(" ", True), ("q", False), ("\x1b", False)])
def test_a_console_of_windows_is_asked_in_its_own_way(monkeypatch, shown, key, goes):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(getwch=lambda: key))
    assert goes_on("key?") is goes
    assert b"".join(shown) == b"key?\r    \r"


def test_an_interruption_leaves_the_terminal_as_it_was(keyboard, shown, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    before = termios.tcgetattr(keyboard)
    monkeypatch.setattr(os, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        goes_on("key?")
    assert termios.tcgetattr(keyboard) == before
    assert b"".join(shown).endswith(b"\r    \r")


@pytest.mark.usefixtures("keyboard")
def test_a_keyboard_is_a_terminal_as_standard_input(monkeypatch):
    assert has_keyboard()
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert not has_keyboard()
    monkeypatch.setattr(sys, "stdin", None)
    assert not has_keyboard()
