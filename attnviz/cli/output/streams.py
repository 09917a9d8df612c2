"""Standard output and standard error, also where their reader has gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer

from attnviz.cli.language import spoken
from attnviz.errors import AttnvizError
from attnviz.text.message import Message, told

STANDARD_ERROR = 2  # the last of the descriptors that every program expects


def notice(message: str) -> None:
    """One line on stderr, in the language of this run, in which what a terminal would act upon is written out.

    Where stderr is closed or full, it goes to stdout if a person watches that. It fails no command, and no script finds it
    among the results.
    """
    from attnviz.text.display import shown_line

    line = f"attnviz: {shown_line(told(message, spoken()))}"
    if not _printed(line, sys.stderr) and sys.stdout is not None and sys.stdout.isatty():
        _printed(line, sys.stdout)


def _printed(line: str, stream: Any) -> bool:
    """Whether ``stream`` has taken ``line``."""
    if stream is None:  # print() would take stdout in its place
        return False
    try:
        print(line, file=stream, flush=True)
    except (OSError, ValueError):
        abandon(stream)
        return False
    return True


def fill_standard_descriptors() -> None:
    """Put /dev/null where standard input, output or error is closed.

    The next file that is opened would else be that one: what C code or a child process writes to "standard error" would
    end up in the user's own file. Python has looked already: its sys.stderr stays None.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STANDARD_ERROR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


@contextmanager
def guarded_stdout() -> Iterator[Any]:
    """Standard output as bytes. A reader that has gone ends the program quietly; a full disk is one clear line."""
    try:
        with stdout_errors():
            if sys.stdout is None:
                raise AttnvizError("standard output is closed", "write to a file with -o FILE")
            yield sys.stdout.buffer
            sys.stdout.flush()
    except SystemExit:  # Rich, which writes the help, makes an exit of a broken pipe
        abandon(sys.stdout)
        raise typer.Exit(0) from None


@contextmanager
def stdout_errors() -> Iterator[None]:
    """The same for a block that writes to standard output itself; a file that it cannot write is named."""
    try:
        yield
    except BrokenPipeError:
        abandon(sys.stdout)
        raise typer.Exit(0) from None
    except OSError as error:
        where = error.filename
        if where is None:
            abandon(sys.stdout)
            where = Message("standard output")
        from attnviz.files import system_says

        raise AttnvizError("{where}: {reason}", where=where, reason=system_says(error)) from None


def abandon(stream: Any) -> None:
    """Let what is still buffered go nowhere, so that the interpreter's own flush at exit cannot fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
