"""How many layers a .gguf file says that its model has, read before anything is built of what it says.

The library of ggml reads a file whole, each word of the vocabulary too, and transformers makes a configuration of what it found before
anybody can look at it (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, "File Structure").
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

LAYERS = b".block_count"
NUMBERS = {4: "<I", 5: "<i", 10: "<Q", 11: "<q"}  # types of whole numbers that a count may have
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of the types of one length
STRING, ARRAY = 8, 9


def block_count(file: BinaryIO, facts: int) -> int:
    """What the first of so many ``facts`` says that is a number of layers; ``file`` stands behind its head. 0 where none does, or
    where they cannot be read, which whoever reads all of them tells."""
    try:
        for _ in range(facts):
            key = _string(file)
            (kind,) = _unpacked(file, "<I")
            if key.endswith(LAYERS) and kind in NUMBERS:
                return int(_unpacked(file, NUMBERS[kind])[0])
            _skip(file, kind)
    except (EOFError, KeyError, RecursionError):  # arrays of arrays of arrays
        pass
    return 0


def _skip(file: BinaryIO, kind: int, count: int = 1) -> None:
    """Pass over so many values of a type."""
    if kind == STRING:
        for _ in range(count):
            _pass(file, _unpacked(file, "<Q")[0])
    elif kind == ARRAY:
        for _ in range(count):
            _skip(file, *_unpacked(file, "<IQ"))
    else:
        _pass(file, SIZES[kind] * count)


def _string(file: BinaryIO) -> bytes:
    (length,) = _unpacked(file, "<Q")
    return _read(file, length)


def _unpacked(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, _read(file, struct.calcsize(form)))


def _read(file: BinaryIO, length: int) -> bytes:
    _require(file, length)
    return file.read(length)


def _pass(file: BinaryIO, length: int) -> None:
    _require(file, length)
    file.seek(length, os.SEEK_CUR)


def _require(file: BinaryIO, length: int) -> None:
    if length > os.fstat(file.fileno()).st_size - file.tell():
        raise EOFError
