"""NumPy's files: what each array takes is read from its header, and reckoned, before the array is."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy

from attnviz.attention.memory import allowance, require_memory
from attnviz.errors import AttnvizError
from attnviz.sources.files.contents import Contents
from attnviz.text.display import shorten, shown_line
from attnviz.text.message import Message, said_by
from attnviz.trace.safetensors import UNREAD

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000  # as NumPy has it, which reads a longer one before it refuses it
LARGEST = 2**62  # bytes: beyond it NumPy can hold no array, not even an empty one with such axes
PIECE = 1 << 20  # bytes decompressed at once
SMALL = 256 << 20  # bytes: numbers that take no more may compress as well as they like
COMPRESSED = 100  # times as large as its file, a mask that is all true may be; larger ones were made to fill the memory
BYTES_A_MEMBER = 16  # times what its entry in a zip's directory takes is what Python takes for it
LONGEST_REASON = 200  # cells of a terminal


class Header(NamedTuple):
    """What a .npy file says of its array."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: numpy.dtype[Any]

    @property
    def size(self) -> int:
        """The bytes of the numbers."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_npy(contents: Contents) -> numpy.ndarray:
    """The array of a .npy file."""
    with damage_told(contents.path, ".npy"):
        _require_begin(contents, b"PK", Message("holds named arrays, expected one"), "save it with numpy.save")
        header = _header(contents.path, contents.stream)
        begin = contents.stream.tell()
        _require_as_many(header, contents.stream.seek(0, io.SEEK_END) - begin)
        contents.stream.seek(begin)
        require_memory(header.size, str(contents.path), "give a smaller array")
        return _numbers(header, contents.stream)


def read_npz(contents: Contents, wanted: Callable[[str], bool]) -> dict[str, Any]:
    """The arrays of a .npz file by their names; UNREAD stands for those that are not ``wanted``, whose bytes are not looked at."""
    with damage_told(contents.path, ".npz"):
        _require_begin(
            contents, MAGIC, Message("holds one array without a name"), "save it with numpy.savez(…, query=…)"
        )
        with zipfile.ZipFile(_Directory(contents.path, contents.stream)) as archive:
            members = _members(archive)
            asked = {name: member for name, member in members.items() if wanted(name)}
            sizes = [_told_size(contents.path, archive, member) for member in asked.values()]
            _require_room(contents, sum(sizes))
            read = {name: _read_member(contents.path, archive, member) for name, member in asked.items()}
            return {name: read.get(name, UNREAD) for name in members}


def _require_begin(contents: Contents, other: bytes, says: str, hint: str) -> None:
    """Refuse a pickle, and a file that begins as the ``other`` kind does."""
    begin = contents.stream.read(len(MAGIC))
    contents.stream.seek(0)
    if begin.startswith(b"\x80"):
        raise holds_objects(contents.path)
    if begin.startswith(other):
        raise AttnvizError("{path} {says}", hint, path=contents.path, says=says)


class _Directory(io.BufferedIOBase):
    """A stream for a zip file, whose directory ``zipfile`` reads at once and keeps: not one that would fill the memory."""

    def __init__(self, path: Path, stream: BinaryIO) -> None:
        self.path, self.stream = path, stream
        self.seek, self.tell = stream.seek, stream.tell  # type: ignore[method-assign]

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        size = -1 if size is None else size
        if size > PIECE:
            require_memory(
                size * BYTES_A_MEMBER,
                Message("the list of arrays in {path}", path=self.path),
                "save only what is to be shown",
            )
        return self.stream.read(size)


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The members of the archive by the names of their arrays."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        name = member.filename.removesuffix(".npy")
        if name in members:
            raise ValueError(Message("it holds {name!r} twice", name=name))
        members[name] = member
    return members


def _told_size(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """How many bytes of numbers a member says that it holds."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(
            Message("{filename!r} is compressed in a way that NumPy does not use", filename=member.filename)
        )
    with archive.open(member) as stream:
        header = _header(path, stream)  # type: ignore[arg-type]
        _require_as_many(header, member.file_size - stream.tell())
    return header.size


def _require_room(contents: Contents, size: int) -> None:
    """Refuse arrays that take more than there is, or so much more than their file that they were made to."""
    contents.stream.seek(0, io.SEEK_END)
    most = max(SMALL, COMPRESSED * contents.stream.tell())
    if size > min(most, allowance()):
        require_memory(size, Message("what {path} holds", path=contents.path), "save less of it")
        raise AttnvizError(
            "{path} claims to hold {size:,.0f} MiB of numbers, over {compressed} times its own size",
            "if that is meant, save it uncompressed, with numpy.savez",
            path=contents.path,
            size=size / 2**20,
            compressed=COMPRESSED,
        )


def _read_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> numpy.ndarray:
    with archive.open(member) as stream:
        return _numbers(_header(path, stream), stream)  # type: ignore[arg-type]


def _header(path: Path, stream: BinaryIO) -> Header:
    """What stands before the numbers of a .npy file; AttnvizError where it announces a pickle, ValueError where it is damaged."""
    version = numpy.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(
            Message(
                "version {major}.{minor} of its header is not for arrays of numbers",
                major=version[0],
                minor=version[1],
            )
        )
    length = stream.read(2 if version == (1, 0) else 4)
    count = int.from_bytes(length, "little")
    if count > LONGEST_HEADER:
        raise ValueError(
            Message("its header has {count:,} bytes, expected at most {most:,}", count=count, most=LONGEST_HEADER)
        )
    text = io.BytesIO(length + stream.read(count))
    read = numpy.lib.format.read_array_header_1_0 if version == (1, 0) else numpy.lib.format.read_array_header_2_0
    try:
        header = Header(*read(text))
    except Exception:  # of Python's parser and NumPy's types, some of which name places in memory
        raise ValueError(Message("its header does not say which array it is")) from None
    if header.dtype.hasobject:
        raise holds_objects(path)
    most = math.prod(max(size, 1) for size in header.shape) * max(header.dtype.itemsize, 8)  # as float64, and not empty
    if not header.dtype.itemsize or any(size < 0 for size in header.shape) or most > LARGEST:
        raise ValueError(
            Message(
                "its array has the shape {shape} and {itemsize} bytes a number",
                shape=header.shape,
                itemsize=header.dtype.itemsize,
            )
        )
    return header


def _require_as_many(header: Header, left: int) -> None:
    if header.size > left:
        raise ValueError(
            Message("its header says {size:,} bytes of numbers, but {max:,} follow", size=header.size, max=max(left, 0))
        )


def _numbers(header: Header, stream: BinaryIO) -> numpy.ndarray:
    """The numbers that follow the header, read in pieces: what is not there is never held."""
    flat = numpy.empty(header.size, dtype=numpy.uint8)
    place = 0
    while place < header.size:
        piece = stream.read(min(PIECE, header.size - place))
        if not piece:
            raise ValueError(
                Message(
                    "its header says {size:,} bytes of numbers, but {place:,} follow", size=header.size, place=place
                )
            )
        flat[place : place + len(piece)] = numpy.frombuffer(piece, numpy.uint8)
        place += len(piece)
    shape = tuple(map(int, header.shape))
    numbers = flat.view(header.dtype).reshape(shape[::-1] if header.fortran else shape)
    return numbers.T if header.fortran else numbers


def holds_objects(path: Path) -> AttnvizError:
    """What to raise of arrays of Python's objects, which are pickles."""
    return AttnvizError(
        "{path} holds Python objects (a pickle), which can run any code: they are not read",
        "save arrays of numbers",
        path=path,
    )


@contextmanager
def damage_told(path: Path, suffix: str) -> Iterator[None]:
    """Errors in the block as the one line that a user may see: a damaged file fails in any of a dozen ways."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that an old Python wrote
            yield
    except AttnvizError:
        raise
    except MemoryError:
        raise AttnvizError("{path} claims to hold more than fits into memory", path=path) from None
    except Exception as error:
        # Some quote a name of the file, which may have 65,535 bytes.
        said = said_by(error)
        reason = said if isinstance(said, Message) else shorten(shown_line(" ".join(said.split())), LONGEST_REASON)
        raise AttnvizError(
            "{path} is not a readable {suffix} file: {reason}",
            "it may be cut short: copy or save it again",
            path=path,
            suffix=suffix,
            reason=reason or type(error).__name__,
        ) from None
