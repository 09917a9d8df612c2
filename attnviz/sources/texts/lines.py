"""Lines of a stream as they arrive, none of which takes more memory than a text may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from attnviz.errors import AttnvizError

LONGEST_LINE = 10_000_000  # bytes of one text of many: more words than any model reads
ENDLESS = 1 << 30  # bytes without an end of a line: no corpus has such a line, but what was decompressed may


def raw_lines(stream: BinaryIO, name: str) -> Iterator[bytes | AttnvizError]:
    """Each line with its end, or why it is not read: it is too long. AttnvizError where one does not end at all."""
    while line := stream.readline(LONGEST_LINE + 1):
        yield line if len(line) <= LONGEST_LINE else _passed(stream, name, line)


def _passed(stream: BinaryIO, name: str, line: bytes) -> AttnvizError:
    """Read on to the end of a line of which ``line`` is the beginning."""
    length = len(line)
    while not line.endswith(b"\n") and (line := stream.readline(1 << 20)):
        length += len(line)
        if length > ENDLESS:
            raise AttnvizError("{name} has a line that does not end", "give a text with lines", name=name)
    return too_long(length)


def too_long(length: int) -> AttnvizError:
    """What to say of a text of so many bytes."""
    return AttnvizError(
        "it has {length:,} bytes, more than the {most:,} of a text",
        "cut it into several texts",
        length=length,
        most=LONGEST_LINE,
    )
