"""What is finished before its turn, and kept nowhere else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable

from attnviz.files import file_errors

MEMORY = (
    64 << 20
)  # bytes that are held in memory; what is more lies in a file without a name, which ends with this process


class Aside:
    """Contents that wait, each until it is taken; AttnvizError where the disk has no room for them."""

    def __init__(self) -> None:
        self._stream = tempfile.SpooledTemporaryFile(MEMORY)  # noqa: SIM115  (closed by ``close``)
        self._waiting = 0

    def put(self, content: bytes) -> Callable[[], bytes]:
        """Hold ``content``; what comes back takes it, once."""
        with file_errors(tempfile.gettempdir()):
            self._stream.seek(0, os.SEEK_END)
            begin = self._stream.tell()
            self._stream.write(content)
            self._stream.flush()  # what does not fit is told now
        self._waiting += 1
        return lambda: self._take(begin, len(content))

    def close(self) -> None:
        """Let go of all that waits."""
        self._stream.close()

    def _take(self, begin: int, length: int) -> bytes:
        with file_errors(tempfile.gettempdir()):
            self._stream.seek(begin)
            content = self._stream.read(length)
            self._waiting -= 1
            if not self._waiting:
                self._stream.seek(0)
                self._stream.truncate()
        return content
