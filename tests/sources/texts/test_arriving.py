"""A pipe can be asked whether its next line has come."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from attnviz.sources.texts import arriving
from attnviz.sources.texts.arriving import Arriving, is_live


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    readable, writable = os.pipe()
    with open(readable, "rb") as stream, open(writable, "wb", buffering=0) as writing:
        yield stream, writing


def test_lines_are_there_when_they_have_been_written(pipe):
    stream, writing = pipe
    lines = Arriving(stream)
    assert not lines.is_there()
    writing.write(b"one\ntwo\nthr")
    assert lines.is_there()
    assert (lines.readline(100), lines.readline(100)) == (b"one\n", b"two\n")
    assert not lines.is_there()
    writing.close()
    assert lines.is_there()
    assert (lines.readline(100), lines.readline(100)) == (b"thr", b"")


def test_what_python_has_buffered_already_is_not_forgotten(pipe):
    stream, writing = pipe
    writing.write(b"one\ntwo\n")
    assert stream.peek(1)
    lines = Arriving(stream)
    assert lines.readline(100) == b"one\n"
    assert lines.is_there()


def test_a_line_is_read_in_pieces_of_what_is_asked_for(pipe):
    stream, writing = pipe
    writing.write(b"abcdef\n")
    lines = Arriving(stream)
    assert (lines.readline(4), lines.readline(4), lines.read(0)) == (b"abcd", b"ef\n", b"")
    writing.write(b"12345")
    writing.close()
    assert (lines.read(3), lines.read(9), lines.read(9)) == (b"123", b"45", b"")
    assert (lines.isatty(), lines.fileno()) == (False, stream.fileno())


def test_a_line_that_is_too_long_is_not_held_to_its_end(pipe, monkeypatch):
    stream, writing = pipe
    monkeypatch.setattr(arriving, "LONGEST_LINE", 100)
    lines = Arriving(stream)
    writing.write(b"x" * 100)
    assert lines.is_there() is False
    writing.write(b"x")
    assert lines.is_there()
    assert lines.readline(101) == b"x" * 101


def test_where_the_system_cannot_say_nobody_knows(pipe, monkeypatch):
    def refused(*_):
        raise OSError("sockets only")

    stream, writing = pipe
    writing.write(b"one\n")
    monkeypatch.setattr(arriving.select, "select", refused)
    assert Arriving(stream).is_there() is None


def test_a_pipe_is_live_and_a_file_is_not(pipe, tmp_path):
    (tmp_path / "a.txt").touch()
    with open(tmp_path / "a.txt", "rb") as file:
        assert [is_live(stream) for stream in (pipe[0], file, io.BytesIO())] == [True, False, False]
