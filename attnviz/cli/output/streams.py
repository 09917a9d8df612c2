"""Standard output and standard error, also where their reader has gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import typer

from attnviz.errors import AttnvizError


def notice(message: str) -> None:
    """One line on stderr; one that is closed or full is ignored."""
    if sys.stderr is None:  # print() would take stdout in its place
        return
    try:
        print(f"attnviz: {message}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        abandon(sys.stderr)


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
            where = "standard output"
        raise AttnvizError(f"{where}: {(error.strerror or str(error)).lower()}") from None


def abandon(stream: Any) -> None:
    """Let what is still buffered go nowhere, so that the interpreter's own flush at exit cannot fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
