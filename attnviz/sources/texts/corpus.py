"""A corpus: texts one after the other, each with its number and its place, and those that cannot be read, with the reason."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from attnviz.choices import FIELD
from attnviz.errors import AttnvizError
from attnviz.files import file_errors, require_end, too_much
from attnviz.sources.texts import json_lines, parquet
from attnviz.sources.texts.compressed import compression_errors, decompressed, is_compressed
from attnviz.sources.texts.decoding import decoded, lines_in
from attnviz.sources.texts.files import files_of, holds_rows, is_parquet
from attnviz.sources.texts.lines import LONGEST_LINE, raw_lines, too_long
from attnviz.text.characters import valid_text
from attnviz.text.message import Message

COUNTED = 256 << 20  # bytes of all files together that are read once more to count their lines


class CorpusText(NamedTuple):
    """One text.

    number  of its row among those of all files, from 1; blank and broken rows count as well
    name    where it stands: "line 12" of the only file, or "corpus.jsonl:12"
    """

    number: int
    name: str
    text: str


class Unread(NamedTuple):
    """What is no text, and why.

    blank  it holds no word; whole  it is a file, or the rest of one, and ``error`` names it
    """

    number: int
    name: str
    error: AttnvizError
    blank: bool = False
    whole: bool = False


class _Row(NamedTuple):
    """A row of a file: its number there, from 1, and its text or why there is none."""

    number: int
    text: str | AttnvizError


Opened = Callable[[Path], AbstractContextManager[BinaryIO]]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file at ``path``; AttnvizError where it cannot be read."""
    with file_errors(path), open(path, "rb") as stream:
        yield stream


def read_texts(
    files: Iterable[str | os.PathLike[str]], *, lines: bool = True, field: str | None = None, opened: Opened = opened
) -> Iterator[CorpusText | Unread]:
    """The texts of ``files`` in their order, as they are read; patterns are expanded.

    .jsonl, .ndjson, .parquet   a text a row: its ``field``, "text" where none is named
    anything else    a text a line, or the whole file is one, without ``lines``; rows of JSON where a ``field`` is named
    .gz .bz2 .xz .zst behind it    decompressed while it is read

    A row that holds no text is ``Unread``, and so is a file of several, or the rest of one that breaks off. AttnvizError where
    a pattern matches nothing, and where the only file cannot be read.
    """
    paths = files_of(files)
    number = 0
    for path in paths:
        try:
            for row in _rows(path, lines, field, opened):
                number += 1
                by_rows = lines or field is not None or holds_rows(path)
                yield _text(number, _name(path, row.number, len(paths) == 1) if by_rows else _shown(path), row.text)
        except AttnvizError as error:
            if len(paths) == 1 and not number:
                raise
            yield Unread(number, _shown(path), error, whole=True)


def lines_of(stream: BinaryIO, name: str, field: str | None = None) -> Iterator[CorpusText | Unread]:
    """The lines of a stream that is open, standard input for one; with ``field``, of JSON."""
    for row in _line_rows(stream, name, field):
        yield _text(row.number, Message("line {number}", number=row.number), row.text)


def in_text(text: str, field: str | None = None) -> Iterator[CorpusText | Unread]:
    """The lines of a text that is there already; with ``field``, of JSON."""
    for number, line in enumerate(lines_in(text), start=1):
        yield _text(number, Message("line {number}", number=number), _of_line(line, field))


def whole_text(stream: BinaryIO, name: str, most: int) -> str:
    """All of a stream as one text; AttnvizError where it has more than ``most`` bytes."""
    content = stream.read(most + 1)
    if len(content) > most:
        raise too_much(name, most)
    return decoded(content, name)


def text_count(files: Iterable[str | os.PathLike[str]], *, lines: bool = True) -> int | None:
    """How many texts there will be, blank ones left out of lines alone; None where only reading them all would tell."""
    total = read = 0
    try:
        for path in files_of(files):
            read += _size(path, lines)
            if read > COUNTED or (count := _count(path, lines)) is None:
                return None
            total += count
    except AttnvizError:  # which is told when it is read
        return None
    return total


def _shown(path: Path) -> str:
    """The name of a file as a text: one that is no UTF-8 has characters in it that cannot be written."""
    return valid_text(str(path))


def _name(path: Path, number: int, alone: bool) -> str:
    """What row ``number`` of a file is called."""
    if not alone:
        return f"{_shown(path)}:{number}"
    return Message("row {number}", number=number) if is_parquet(path) else Message("line {number}", number=number)


def _text(number: int, name: str, text: str | AttnvizError) -> CorpusText | Unread:
    if isinstance(text, AttnvizError):
        return Unread(number, name, text)
    if not text.strip():
        return Unread(number, name, AttnvizError("it holds no word", "give at least one word"), blank=True)
    return CorpusText(number, name, text)


def _rows(path: Path, lines: bool, field: str | None, opened: Opened) -> Iterator[_Row]:
    with opened(path) as stream, compression_errors(path):
        require_end(stream, path)
        if is_parquet(path):
            if is_compressed(path):
                raise AttnvizError("{path} is compressed twice", "decompress it first", path=path)
            yield from _parquet_rows(stream, path, FIELD if field is None else field)
        elif holds_rows(path) or field is not None:
            yield from _line_rows(decompressed(stream, path), str(path), FIELD if field is None else field)
        elif lines:
            yield from _line_rows(decompressed(stream, path), str(path), None)
        else:
            yield _Row(1, whole_text(decompressed(stream, path), str(path), LONGEST_LINE))


def _line_rows(stream: BinaryIO, name: str, field: str | None) -> Iterator[_Row]:
    number = 0
    for number, line in enumerate(raw_lines(stream, name), start=1):
        yield _Row(number, line if isinstance(line, AttnvizError) else _of_line(line, field))
    if not number:
        raise AttnvizError("{name} is empty", "give at least one line", name=name)


def _of_line(line: bytes | str, field: str | None) -> str | AttnvizError:
    try:
        text = line if isinstance(line, str) else decoded(line, Message("the line")).rstrip("\r\n")
        return text if field is None or not text.strip() else json_lines.text_of(text, field)
    except AttnvizError as error:
        return error


def _parquet_rows(stream: BinaryIO, path: Path, field: str) -> Iterator[_Row]:
    number = 0
    for number, content in enumerate(parquet.rows(stream, path, field), start=1):
        yield _Row(number, _of_row(content, field))
    if not number:
        raise AttnvizError("{name} is empty", "give at least one line", name=path)


def _of_row(content: bytes | None, field: str) -> str | AttnvizError:
    if content is None:
        return AttnvizError("its field {field} is empty", field=field)
    if len(content) > LONGEST_LINE:
        return too_long(len(content))
    try:
        return decoded(content, Message("the text")) if content else ""
    except AttnvizError as error:
        return error


def _size(path: Path, lines: bool) -> int:
    """How many bytes have to be read to count its texts."""
    counted = (holds_rows(path) or lines) and not is_parquet(path) and os.path.isfile(path)
    return os.path.getsize(path) if counted else 0


def _count(path: Path, lines: bool) -> int | None:
    if not os.path.isfile(path):  # what comes through a pipe comes once
        return None
    if not (holds_rows(path) or lines):
        return 1
    with opened(path) as stream:
        if is_parquet(path):
            return parquet.row_count(stream, path)
        if is_compressed(path):
            return None
        lines_there = (line for line in raw_lines(stream, str(path)) if isinstance(line, bytes))
        return sum(1 for line in lines_there if line.decode("utf-8-sig", "replace").strip())
