"""Ways to run attnviz: inside this process, as a program of its own, and in a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from typing import IO, Any, NamedTuple
from unittest import mock

from attnviz.cli.app import main

PROGRAM = (sys.executable, "-m", "attnviz")
SAMPLE = "Your journey starts with one step"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

# What a person's own surroundings could change in the output.
UNWANTED = (
    "ATTNVIZ_LANG",
    "COLORTERM",
    "COLUMNS",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "LANG",
    "LC_ALL",
    "LC_MESSAGES",
    "LINES",
    "NO_COLOR",
    "PYTHONIOENCODING",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
    "PYTHONWARNINGS",
    "PY_COLORS",
    "TERM",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
)


class Result(NamedTuple):
    """What a run left: its exit code, its bytes on stdout, its text on stderr."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        return self.stdout.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def attnviz(*arguments: Any, stdin: bytes | None = None) -> Result:
    """Run the command line inside this process; without ``stdin``, standard input is /dev/null."""
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    with _standard_input(stdin), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = main([str(argument) for argument in arguments])
    stdout.flush()
    stderr.flush()
    return Result(code, stdout.buffer.getvalue(), stderr.buffer.getvalue().decode())  # type: ignore[attr-defined]


def onto(stream: IO[bytes], *arguments: Any) -> Result:
    """Run the command line inside this process with its stdout on ``stream``, which gets each text at once."""
    stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")
    with io.TextIOWrapper(stream, encoding="utf-8", write_through=True) as stdout:
        with _standard_input(None), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            code = main([str(argument) for argument in arguments])
        stderr.flush()
    return Result(code, b"", stderr.buffer.getvalue().decode())  # type: ignore[attr-defined]


def done(*arguments: Any, stdin: bytes | None = None) -> Result:
    """The same for a run that must succeed in silence."""
    result = attnviz(*arguments, stdin=stdin)
    assert (result.code, result.stderr) == (0, "")
    return result


def program(
    *arguments: Any, stdin: bytes | None = None, shell: str = 'exec "$@"', environment: dict[str, str] | None = None
) -> Result:
    """Run attnviz as a program of its own; ``shell`` is the line of sh that runs it, as "$@"."""
    run = subprocess.run(
        ["sh", "-c", shell, "sh", *PROGRAM, *map(os.fsencode, map(os.fspath, arguments))],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env=surroundings(**environment or {}),
        timeout=60,
        check=False,
    )
    return Result(run.returncode, run.stdout, run.stderr.decode(errors="surrogateescape"))


def started(*arguments: Any, **streams: Any) -> subprocess.Popen[bytes]:
    """attnviz as a program that goes on while the test does; its streams are pipes unless said otherwise."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
    return subprocess.Popen([*PROGRAM, *map(str, arguments)], env=surroundings(), **pipes | streams)


def fed(process: subprocess.Popen[bytes], content: bytes) -> None:
    """Give a program that was started some standard input, and wait until all is read: what came before it is done then."""
    process.stdin.write(content)  # type: ignore[union-attr]
    end = time.monotonic() + 30
    while any(fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4))):  # type: ignore[arg-type]
        assert process.poll() is None, "it ended before it had read all"
        assert time.monotonic() < end, "it does not read"
        time.sleep(0.005)


def ended_by(process: subprocess.Popen[bytes], number: int, seconds: float = 30.0) -> Result:
    """What a program that was started has come to once a signal has ended it, and not the end of its standard input, which stays
    open. (Only for one that writes no more than a pipe holds.)"""
    process.send_signal(number)
    try:
        process.wait(seconds)
    finally:
        process.kill()  # else the end of its block waits for it; nothing to one that has ended
    stdout, stderr = process.communicate()
    return Result(process.returncode, stdout, stderr.decode())


def in_terminal(*arguments: Any, columns: int = 80, lines: int = 50, **environment: str) -> Result:
    """Run the command line inside this process, its stdout a terminal of 256 colours, ``columns`` wide and ``lines`` high."""
    ours, its = _terminal(columns, lines)
    pieces: list[bytes] = []
    reader = threading.Thread(target=lambda: pieces.extend(until_closed(ours)))
    reader.start()
    variables = surroundings(**{"TERM": "xterm-256color"} | environment)
    try:
        with (
            mock.patch.dict(os.environ, variables, clear=True),
            open(os.devnull) as nothing,
            open(its, "wb") as stdout,
            _descriptor(0, nothing.fileno()),  # Rich asks descriptors 0 and 1 for the size
            _descriptor(1, its),
        ):
            result = onto(stdout, *arguments)
    finally:
        reader.join()
        os.close(ours)
    return result._replace(stdout=b"".join(pieces).replace(b"\r\n", b"\n"))


def program_in_terminal(*arguments: Any, columns: int = 80, lines: int = 50, **environment: str) -> Result:
    """The same as a program of its own."""
    ours, its = _terminal(columns, lines)
    process = subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=subprocess.PIPE,
        env=surroundings(**{"TERM": "xterm-256color"} | environment),
    )
    os.close(its)
    written = b"".join(until_closed(ours))
    os.close(ours)
    _, stderr = process.communicate(timeout=60)
    return Result(process.returncode, written.replace(b"\r\n", b"\n"), stderr.decode())


def shown_to(*arguments: Any, columns: int = 80, lines: int = 24, **environment: str) -> tuple[int, str]:
    """Run attnviz with a terminal on all three streams, so that it opens the pager; its exit code, and what it shows."""
    ours, its = _terminal(columns, lines)
    variables = surroundings(**{"TERM": "xterm"} | environment)
    command = [*PROGRAM, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=variables)
    os.close(its)
    shown = b"".join(until_closed(ours))
    os.close(ours)
    return process.wait(timeout=60), without_escapes(shown.decode())


def surroundings(**changes: str) -> dict[str, str]:
    """The environment of this process without what could change the output, and with ``changes``."""
    return {name: value for name, value in os.environ.items() if name not in UNWANTED} | changes


def without_escapes(text: str) -> str:
    return ESCAPE.sub("", text)


def problem(result: Result, code: int) -> str:
    """The one line that a failed run must have written, and nothing beside it but a hint."""
    assert result.code == code
    assert result.stdout == b""
    message, *hints = result.stderr.splitlines()
    assert message.startswith("attnviz: ")
    assert not message.startswith("attnviz: hint:")
    assert len(hints) <= 1
    assert all(hint.startswith("attnviz: hint: ") for hint in hints)
    return message.removeprefix("attnviz: ")


def _terminal(columns: int, lines: int) -> tuple[int, int]:
    """A new terminal: our side of it, and the program's."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    return ours, its


@contextlib.contextmanager
def _descriptor(number: int, target: int) -> Iterator[None]:
    """Let the file descriptor ``number`` of this process be that of ``target``."""
    kept = os.dup(number)
    os.dup2(target, number)
    try:
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)


@contextlib.contextmanager
def _standard_input(content: bytes | None) -> Iterator[None]:
    with open(os.devnull) if content is None else tempfile.TemporaryFile("w+") as stdin:
        if content is not None:
            stdin.buffer.write(content)
            stdin.buffer.seek(0)
        before, sys.stdin = sys.stdin, stdin
        try:
            yield
        finally:
            sys.stdin = before


def until_closed(terminal: int) -> Iterator[bytes]:
    """What is written to a terminal of ours, until its other side is closed."""
    with contextlib.suppress(OSError):  # Linux: the other side of a terminal was closed
        while piece := os.read(terminal, 65536):
            yield piece
