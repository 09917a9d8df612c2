"""A file opened once: by its suffix, or by what it begins with where that says nothing."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from attnviz.errors import AttnvizError
from attnviz.files import file_errors, read_stream

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt")
LONGEST_HEADER = 100_000_000  # of a .safetensors file, as its library has it


class Contents(NamedTuple):
    """What a file holds.

    path    what messages call it
    suffix  its format, as one of the suffixes that were asked for
    stream  its bytes, from which any can be read
    mapped  whether the path leads to the same bytes again: not so of a pipe
    """

    path: Path
    suffix: str
    stream: BinaryIO
    mapped: bool


@contextmanager
def opened(path: Path, suffixes: Sequence[str], what: str, content: bytes | None = None) -> Iterator[Contents]:
    """The file at ``path`` in one of the formats ``suffixes``; ``content`` are its bytes, where they have been read.

    A file is opened once. What is no file on a disk, such as a pipe, is read at once, into memory, as far as it fits.
    AttnvizError where it cannot be read, is a pickle, or is of another format; ``what`` are read from these.
    """
    if os.path.isdir(path):  # before its name is looked at: it has no suffix to change
        raise AttnvizError("{path} is a directory, not a file", path=path)
    if path.suffix.lower() in PICKLES:
        raise pickle_error(path)
    if content is not None:
        yield _told_apart(path, suffixes, what, io.BytesIO(content), mapped=False)
        return
    with file_errors(path), open(path, "rb") as stream:
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            yield _told_apart(path, suffixes, what, stream, mapped=True)
        else:
            yield _told_apart(path, suffixes, what, io.BytesIO(read_stream(stream, path)), mapped=False)


def pickle_error(path: Path) -> AttnvizError:
    """What to raise of a file that is, or holds, a pickle."""
    return AttnvizError(
        "{path} is a pickle, which can run any code when it is loaded: it is not read",
        "save it as .safetensors or .npz",
        path=path,
    )


def _told_apart(path: Path, suffixes: Sequence[str], what: str, stream: BinaryIO, mapped: bool) -> Contents:
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        begin = stream.read(1024)
        stream.seek(0)
        if not begin and not mapped:
            raise AttnvizError(
                "{path} is empty", "{what} are read from {suffixes}", path=path, what=what, suffixes=", ".join(suffixes)
            )
        suffix = _format_of(begin)
        if suffix == ".pkl":
            raise pickle_error(path)
        if suffix not in suffixes:
            raise AttnvizError(
                "{path}: {what} are read from {suffixes}", path=path, what=what, suffixes=", ".join(suffixes)
            )
    return Contents(path, suffix, stream, mapped)


def _format_of(begin: bytes) -> str:
    """The suffix of files that begin so; "" where that does not tell."""
    if begin.startswith((b"PK\3\4", b"PK\5\6")):
        return ".npz"
    if begin.startswith(b"\x93NUMPY"):
        return ".npy"
    if begin.startswith(b"\x80"):
        return ".pkl"
    if begin[8:9] == b"{" and int.from_bytes(begin[:8], "little") <= LONGEST_HEADER:
        return ".safetensors"
    if begin.lstrip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe")[:1] in (b"{", b"["):
        return ".json"
    first, _, _ = begin.partition(b"\n")
    return ".csv" if b"," in first and b"\0" not in begin else ""
