"""What a file holds, read with care: names and arrays, words and vectors. Nothing is ever unpickled."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy

from attnviz.attention.memory import allowance
from attnviz.errors import AttnvizError
from attnviz.files import read_stream
from attnviz.sources.files.contents import Contents, opened
from attnviz.sources.files.numpy_files import read_npy, read_npz
from attnviz.text.display import listed_tokens, shorten
from attnviz.text.message import Message, said_by
from attnviz.trace.json_text import parsed_json
from attnviz.trace.safetensors import read_safetensors

ARRAY_SUFFIXES = (".npz", ".safetensors", ".json")
ONE_ARRAY = ".npy"  # which has no name
LONGEST_ROW = 16 << 20  # bytes of a line of CSV
ROW, CELL = 1000, 8  # bytes that a word and its vector take at the most, and each of its numbers


def read_fields(
    path: Path, wanted: Callable[[str], bool], content: bytes | None = None, unnamed: str = ""
) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields of a file by their names, and its metadata (.safetensors only).

    Of arrays that are not ``wanted`` only the names are read, unless the file is a saved trace: UNREAD stands for them.
    One array without a name, in a .npy file or as a list of JSON, is called ``unnamed``; or refused, where that is "".
    ``content`` are the bytes of the file where they have been read already, and ``path`` is what to call it.
    """
    suffixes = (*ARRAY_SUFFIXES, ONE_ARRAY) if unnamed else ARRAY_SUFFIXES
    with opened(path, suffixes, Message("arrays"), content) as contents:
        match contents.suffix:
            case ".npz":
                return read_npz(contents, wanted), {}
            case ".npy":
                return {unnamed: read_npy(contents)}, {}
            case ".safetensors":
                arrays, metadata = read_safetensors(path, None if contents.mapped else contents.stream.read(), wanted)
                listed = {
                    name: parsed_json(metadata[name].encode(), f"{path}: {name}")
                    for name in ("tokens", "key_tokens")
                    if name in metadata
                }
                return arrays | listed, metadata
        fields = read_json(contents)
    if isinstance(fields, list) and unnamed:
        return {unnamed: fields}, {}
    if not isinstance(fields, dict):
        raise AttnvizError(
            "{path} holds {fields}: expected an object with query, key and value",
            path=path,
            fields=_said(fields),
        )
    return fields, {}


def _said(value: Any) -> str:
    """A JSON value that is no object, as an error names it."""
    return (
        Message("a list")
        if isinstance(value, list)
        else shorten(json.dumps(value[:40] if isinstance(value, str) else value), 40)
    )


def read_json(contents: Contents) -> Any:
    """What a JSON file holds."""
    content = read_stream(contents.stream, contents.path) if contents.mapped else contents.stream.read()
    return parsed_json(content, str(contents.path))


def read_csv(contents: Contents) -> dict[str, numpy.ndarray]:
    """The words of a CSV file, each with its numbers; the first row may be a header."""
    vectors: dict[str, numpy.ndarray] = {}
    most, number = allowance(), 0
    try:
        for number, (word, *cells) in enumerate(filter(None, csv.reader(_lines(contents))), start=1):
            if word in vectors:
                raise AttnvizError(
                    "{path}, row {number}: {word} appears twice",
                    path=contents.path,
                    number=number,
                    word=listed_tokens([word]),
                )
            if (vector := _vector(contents.path, number, word, cells)) is not None:
                vectors[word] = vector
                most -= ROW + len(word) * 4 + len(cells) * CELL
            if most < 0:
                raise AttnvizError(
                    "{path} holds more than fits into memory", "keep the words that are needed", path=contents.path
                )
    except (UnicodeDecodeError, csv.Error) as error:
        raise AttnvizError(
            "{path} is not readable CSV: {reason}, after row {number}",
            path=contents.path,
            reason=said_by(error),
            number=number,
        ) from None
    return vectors


def _lines(contents: Contents) -> Iterator[str]:
    encoding = "utf-8-sig"
    while line := contents.stream.readline(LONGEST_ROW + 1):
        if len(line) > LONGEST_ROW:
            raise csv.Error(Message("a line has more than {longest_row} MiB", longest_row=LONGEST_ROW >> 20))
        yield from line.decode(encoding).splitlines()
        encoding = "utf-8"


def _vector(path: Path, number: int, word: str, cells: list[str]) -> numpy.ndarray | None:
    """The numbers of a row; None of the first, if it is a header."""
    try:
        return numpy.array([float(cell) for cell in cells])
    except ValueError:
        if number == 1:
            return None
        raise AttnvizError(
            "{path}, row {number}: expected a word and numbers, got {cells!r}",
            path=path,
            number=number,
            cells=",".join([word, *cells])[:60],
        ) from None
