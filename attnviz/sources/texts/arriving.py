"""A stream that somebody is still writing: whether its next line is there can be asked without waiting for it."""

from __future__ import annotations

import os
import select
import stat
from typing import Any, BinaryIO

from attnviz.sources.texts.lines import LONGEST_LINE

PIECE = 1 << 16  # bytes that are read at once, where there are so many


class Arriving:
    """The lines of a pipe, a terminal or a socket, of which something has arrived.

    Python's own buffer cannot be asked whether it holds a line, so the lines are held here.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._held, self._ended = stream, bytearray(), False

    def readline(self, most: int) -> bytes:
        """The next line with its end, or its first ``most`` bytes; nothing at the end."""
        while (end := self._held.find(b"\n", 0, most)) < 0 and len(self._held) < most and not self._ended:
            self._read()
        count = end + 1 if end >= 0 else min(most, len(self._held))
        line = bytes(self._held[:count])
        del self._held[:count]
        return line

    def is_there(self) -> bool | None:
        """Whether ``readline`` would answer at once, since a line has come or is too long for a text; None where nobody can tell."""
        while b"\n" not in self._held and len(self._held) <= LONGEST_LINE and not self._ended:
            try:
                readable, _, _ = select.select([self._stream], [], [], 0)
            except (OSError, ValueError):  # Windows knows only sockets
                return None
            if not readable:
                return False
            self._read()
        return True

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes, fewer at the end."""
        while len(self._held) < count and not self._ended:
            self._read()
        content = bytes(self._held[:count])
        del self._held[:count]
        return content

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def _read(self) -> None:
        stream: Any = self._stream
        piece = stream.read1(PIECE)
        self._ended = not piece
        self._held += piece


def is_live(stream: BinaryIO) -> bool:
    """Whether ``stream`` may have more to say later."""
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError, AttributeError):  # no file of the system
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISBLK(mode) or stat.S_ISDIR(mode))
