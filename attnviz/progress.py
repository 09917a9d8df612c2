"""How long work tells its caller how far it is, and which of its steps an interruption does not cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Notice = Callable[[str], None]  # one line that its caller should know, and may tell a person
Progress = Callable[[int, int], None]  # how much is done, of how much

ENDING = (signal.SIGTERM, signal.SIGINT)  # what asks a program to end, and lets it say when


def no_progress(done: int, of: int) -> None:
    """A progress function that does nothing."""


def no_notice(message: str) -> None:
    """A function for notices that tells nobody."""


@contextmanager
def whole_step() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block has ended: a file that is there is counted, and what is counted is there.

    For short steps alone. Whoever asks a second time does not wait. Signals come to the main thread: in others nothing waits.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _waits(ENDING[0]), _waits(ENDING[1]):
        yield


@contextmanager
def _waits(number: signal.Signals) -> Iterator[None]:
    usual = signal.getsignal(number)
    came: list[int] = []

    def wait(again: int, frame: FrameType | None) -> None:
        if came and callable(usual):
            usual(again, frame)
        came.append(again)

    if not callable(usual):  # nobody acts on it here: it is ignored, or ends the program at once
        yield
        return
    signal.signal(number, wait)
    try:
        yield
    finally:
        signal.signal(number, usual)
        if came:
            signal.raise_signal(number)
