"""More than a screen of a terminal, through the person's pager, as git does it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import IO, TYPE_CHECKING

from attnviz.cli.output.files import write
from attnviz.cli.output.progress import watched
from attnviz.cli.output.streams import notice
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.cli.output.terminal import Terminal

LESS = "FRX"  # leave at once where all fits the screen, keep colours, do not clear the screen at the end: as git has it
NONE = ("", "cat")  # as a pager: there is to be none
NOT_RUN = (126, 127)  # a shell's codes for a program that it cannot run
KEPT = 1 << 20  # bytes: a pager that has taken more is there


def write_paged(
    pieces: Iterable[bytes], terminal: Terminal, variables: Sequence[str] = ("PAGER",), at_once: bool = False
) -> None:
    """Write ``pieces`` to standard output; on a terminal through the pager, where they are more than a screen.

    variables  of the environment that may name the pager, the first that is set; without one it is less, if that is there;
               none: there is to be no pager
    at_once    do not wait for the end of the first screen: the pieces may come slowly
    """
    command = _pager(variables)
    if terminal.height is None or command is None or not _has_keys():
        write(pieces, None)
        return
    first: list[bytes] = []
    pieces = iter(pieces)
    for piece in pieces:
        first.append(piece)
        if at_once or sum(one.count(b"\n") for one in first) >= terminal.height:  # the prompt takes a line, too
            _through(command, chain(first, pieces))
            return
    write(first, None)


def _pager(variables: Sequence[str]) -> str | None:
    """The line of a shell that runs the pager; None where there is to be none."""
    if not variables or os.environ.get("TERM") == "dumb":
        return None
    named = next((os.environ[name] for name in variables if name in os.environ), None)
    if named is None:
        return "less" if shutil.which("less") else None
    return None if named.strip() in NONE else named


def _has_keys() -> bool:
    """Whether a person can press keys: where standard input brings the text, a pager asks the terminal behind it."""
    return watched() or (sys.stdin is not None and sys.stdin.isatty())


def _through(command: str, pieces: Iterator[bytes]) -> None:
    """Let the pager show ``pieces``, and wait until the person leaves it; print them where there is no such pager."""
    environment = {"LESS": LESS, "LV": "-c"} | os.environ
    pager = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment)
    given: list[bytes] = []
    with _interrupts_are_the_pagers():
        try:
            _feed(pager.stdin, pieces, given)  # type: ignore[arg-type]
        except KeyboardInterrupt:
            pager.terminate()  # it leaves the terminal as it was
            raise
        finally:  # what comes before an error is read to its end, too
            code = _left(pager)
    if code in NOT_RUN:
        notice(Message("the pager {command} cannot be run, so here is all of it", command=command))
        write(chain(given, pieces), None)


def _left(pager: subprocess.Popen[bytes]) -> int:
    """The exit code of the pager, once the person has left it."""
    try:
        return pager.wait()
    except KeyboardInterrupt:
        pager.terminate()
        pager.wait()
        raise


def _feed(stream: IO[bytes], pieces: Iterator[bytes], given: list[bytes]) -> None:
    """Write ``pieces`` until the person leaves the pager; ``given`` keeps the first, for a pager that is not there."""
    size = 0
    with suppress(BrokenPipeError), stream:
        for piece in pieces:
            if size < KEPT:
                given.append(piece)
            size += len(piece)
            stream.write(piece)
            stream.flush()


@contextmanager
def _interrupts_are_the_pagers() -> Iterator[None]:
    """Ctrl-C in the pager stops what it does there, and not attnviz, which waits for it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
