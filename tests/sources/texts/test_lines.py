"""A line that is too long is passed over, and one that never ends is an error."""

from __future__ import annotations

import io

import pytest

from attnviz.errors import AttnvizError
from attnviz.sources.texts import lines
from attnviz.sources.texts.lines import raw_lines


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE", 10)
    monkeypatch.setattr(lines, "ENDLESS", 3 << 20)


@pytest.mark.parametrize("length", [11, 12, (1 << 20) + 10, (2 << 20) + 11])
def test_a_long_line_is_passed_over_and_the_next_is_read(length):
    stream = io.BytesIO(b"a\n" + b"x" * length + b"\nb\n" + b"y" * length)
    first, long, after, last = raw_lines(stream, "it")
    assert (first, after) == (b"a\n", b"b\n")
    assert str(long) == f"it has {length + 1:,} bytes, more than the 10 of a text"
    assert isinstance(last, AttnvizError)


def test_lines_as_long_as_they_may_be_are_read():
    assert list(raw_lines(io.BytesIO(b"123456789\n1234567890"), "it")) == [b"123456789\n", b"1234567890"]


def test_a_line_without_an_end_is_an_error():
    with pytest.raises(AttnvizError, match="it has a line that does not end"):
        list(raw_lines(io.BytesIO(b"x" * (5 << 20)), "it"))
