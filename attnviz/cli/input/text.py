"""The text that is meant: the argument, a file, standard input, or the sample."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from attnviz.cli.options.source import SourceOptions
from attnviz.cli.output.streams import notice
from attnviz.errors import AttnvizError
from attnviz.files import file_errors, read_stream
from attnviz.text.message import Message

LONGEST_TEXT = 64 << 20  # bytes of a text or a line: more words than any look could show
SILENCE = 1.0  # seconds after which a waiting reader says what it waits for
STDIN = Message("standard input")


def read_text(source: SourceOptions) -> str:
    """The whole text: TEXT, --file, standard input when it is a pipe or a file, or the sample."""
    if (text := _written_out(source)) is not None:
        return text
    from attnviz.sources.texts.decoding import decoded

    if (path := _file(source)) is not None:
        return _whole(path)
    if not reads_stdin(source.text, source.file is not None):
        return sample()
    with waiting() as stdin:
        content = read_stream(stdin, STDIN, LONGEST_TEXT)
    return decoded(content, STDIN)


def _whole(path: Path) -> str:
    """The whole text of a file, compressed or not."""
    from attnviz.sources.texts.compressed import compression_errors, decompressed, is_compressed
    from attnviz.sources.texts.corpus import whole_text
    from attnviz.sources.texts.decoding import decoded

    with opened(path) as stream:
        if not is_compressed(path):
            return decoded(read_stream(stream, path, LONGEST_TEXT), str(path))
        with compression_errors(path):
            return whole_text(decompressed(stream, path), str(path), LONGEST_TEXT)


def read_arrays(path: Path) -> bytes | None:
    """The bytes of a trace or of arrays where they come once, from standard input (-) or a named pipe; None of a file."""
    if str(path) == "-":
        with waiting(Message("a trace or arrays")) as stdin:
            return read_stream(stdin, STDIN)
    if not _is_pipe(path):
        return None
    with opened(path) as stream:
        return read_stream(stream, path)


def reads_again(source: SourceOptions) -> bool:
    """Whether the same command reads the same again: not from standard input or a pipe, which give it once."""
    named = [path for path in (source.file, source.from_) if path is not None]
    if source.text == "-" or any(not os.path.isfile(path) for path in named):
        return False
    return source.text is not None or bool(named) or not _stdin_has_text()


def _written_out(source: SourceOptions) -> str | None:
    """The text that stands on the command line itself."""
    return None if source.text == "-" else source.text


def _file(source: SourceOptions) -> Path | None:
    """The file that is named, other than standard input."""
    return None if source.file is None or str(source.file) == "-" else source.file


def reads_stdin(text: str | None, file: bool) -> bool:
    """Whether standard input is meant, where no text and no other file is given: it is asked for by -, or has a text."""
    return text == "-" or file or _stdin_has_text()


def sample() -> str:
    """A sentence where none is given, and a notice."""
    from attnviz.sources.toy.toy import SAMPLE

    notice(Message('no text given, so here is a sample: "{sample}"', sample=SAMPLE))
    return SAMPLE


def _stdin_has_text() -> bool:
    """Whether standard input is a pipe or a file; a terminal and /dev/null are not."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):  # closed, or replaced by something without a file
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


@contextmanager
def waiting(what: str = Message("a text")) -> Iterator[BinaryIO]:
    """Standard input, and a notice on stderr when it stays silent."""
    if sys.stdin is None:
        raise AttnvizError("{name} is closed", "send it {what}, or name a file", name=STDIN, what=what)
    silence = 0.0 if sys.stdin.isatty() else SILENCE
    waiting = Message("waiting for {what} on standard input (Ctrl-D ends it, Ctrl-C gives up)", what=what)
    with _spoken_of(silence, waiting), file_errors(STDIN):
        begin = sys.stdin.buffer.peek(1)  # type: ignore[union-attr]  # a BufferedReader
    if not begin:  # a terminal that is asked again would want a second Ctrl-D
        raise AttnvizError("{name} is empty", "send it {what}", name=STDIN, what=what)
    yield sys.stdin.buffer


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file at ``path``, and a notice on stderr when it is a pipe that stays silent."""
    with file_errors(path), ExitStack() as kept:
        if _is_pipe(path):
            with _spoken_of(SILENCE, Message("waiting for the pipe {path} (Ctrl-C gives up)", path=path)):
                stream = kept.enter_context(open(path, "rb"))  # which waits for somebody who writes
                stream.peek(1)
        else:
            stream = kept.enter_context(open(path, "rb"))
        yield stream


def _is_pipe(path: Path) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except (OSError, ValueError):  # opening it says what is wrong
        return False


@contextmanager
def _spoken_of(silence: float, message: str) -> Iterator[None]:
    """``message`` as a notice where the block takes more than ``silence`` seconds."""
    timer = threading.Timer(silence, notice, (message,))
    try:
        timer.start()
        yield
    finally:
        timer.cancel()
        if timer.ident is not None:
            timer.join()  # a thread that still writes when the interpreter ends would abort it
