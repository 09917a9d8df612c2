"""What ends a worker that hangs: it has something to do, and computes nothing."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

HANGS = 87  # exit code of a worker that does
STILL = 600.0  # seconds in which a worker computes nothing: a long text computes, and a model that is read from a slow disk, too
BEAT = 10.0  # seconds between looks
LEAST = 1e-4  # seconds of a processor between two looks that are more than nothing: a busy machine gives little


class Stillness:
    """Watches the thread that makes it, and ends the process when that thread hangs: it waits for a lock that nobody gives back, or
    for a disk that has gone. What computes, however long, is left alone, and so is a process that somebody has stopped: only
    looks count, and it takes none meanwhile.
    """

    def __init__(self, still: float = STILL, beat: float = BEAT, end: Callable[[], object] | None = None) -> None:
        self._used, self._end = _clock(), end or _end
        self._looks, self._beat = max(1, round(still / beat)), beat
        self._busy = 0  # how often something was begun; 0 while there is nothing to do
        self._begun = 0
        threading.Thread(target=self._watch, daemon=True).start()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """The block is what the thread has to do."""
        self._begun += 1
        self._busy = self._begun
        try:
            yield
        finally:
            self._busy = 0

    def _watch(self) -> None:
        still, before = 0, (0, 0.0)
        while still < self._looks:
            time.sleep(self._beat)
            busy, used = now = self._busy, self._used()
            same = busy and busy == before[0] and used - before[1] < LEAST
            still, before = (still + 1 if same else 0), now
        self._end()


def _clock() -> Callable[[], float]:
    """How many seconds of a processor this thread has used; where the system does not say, all threads."""
    try:
        own = time.pthread_getcpuclockid(threading.get_ident())
        time.clock_gettime(own)
    except (AttributeError, OSError):
        return time.process_time
    return lambda: time.clock_gettime(own)


def _end() -> None:
    os._exit(HANGS)
