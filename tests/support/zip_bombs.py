"""Zip files that say more than they hold, or hold more than anybody wants: made without what they claim."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy


def npy(array: numpy.ndarray) -> bytes:
    stream = io.BytesIO()
    numpy.save(stream, array)
    return stream.getvalue()


def npy_header(shape: tuple[int, ...], descr: str = "<f8") -> bytes:
    """What stands before the numbers of a .npy file."""
    stream = io.BytesIO()
    numpy.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def zeros_deflated(begin: bytes, count: int, piece: int = 1 << 22) -> bytes:
    """``begin`` and then ``count`` zeros, whole pieces of them, as a raw deflate stream: one piece is compressed, once."""
    first, again = (zlib.compressobj(9, zlib.DEFLATED, -15) for _ in range(2))
    zeros = again.compress(bytes(piece)) + again.flush(zlib.Z_FULL_FLUSH)
    head = first.compress(begin) + first.flush(zlib.Z_FULL_FLUSH)
    return head + zeros * (count // piece) + zlib.compressobj(9, zlib.DEFLATED, -15).flush(zlib.Z_FINISH)


class Member(NamedTuple):
    """What a member of a zip holds, and what it says of itself: how long it is once decompressed, and its checksum."""

    data: bytes
    size: int
    checksum: int = 0


def write_zip(path: Path, members: dict[str, Member]) -> Path:
    """A zip of deflated members, whatever they say of themselves."""
    entries: list[bytes] = []
    with path.open("wb") as stream:
        for name, (data, size, checksum) in members.items():
            offset, label = stream.tell(), name.encode()
            extra = struct.pack("<HHQQ", 1, 16, size, len(data))  # zip64
            facts = struct.pack(
                "<HHHHHIIIHH", 45, 0, 8, 0, 33, checksum, 0xFFFFFFFF, 0xFFFFFFFF, len(label), len(extra)
            )
            stream.write(b"PK\3\4" + facts + label + extra + data)
            place = struct.pack("<HHHII", 0, 0, 0, 0, offset)
            entries.append(b"PK\1\2" + struct.pack("<H", 45) + facts + place + label + extra)
        begin, directory = stream.tell(), b"".join(entries)
        stream.write(directory + b"PK\5\6")
        count = len(members) & 0xFFFF
        stream.write(struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), begin, 0))
    return path


def deflated(content: bytes) -> Member:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return Member(compressor.compress(content) + compressor.flush(), len(content), zlib.crc32(content))


def bomb(path: Path, shape: tuple[int, ...]) -> Path:
    """An array ``query`` of zeros, whose header is honest."""
    header = npy_header(shape)
    size = int(numpy.prod(shape)) * 8
    return write_zip(path, {"query.npy": Member(zeros_deflated(header, size), len(header) + size)})


def beside_a_bomb(path: Path, arrays: dict[str, numpy.ndarray], size: int) -> Path:
    """``arrays``, and an array that nobody asks for."""
    numpy.savez_compressed(path, **arrays)
    header = npy_header((size // 8,))
    with zipfile.ZipFile(path, "a") as archive:
        kept = {one.filename: deflated(archive.read(one)) for one in archive.infolist()}
    return write_zip(path, kept | {"huge.npy": Member(zeros_deflated(header, size), len(header) + size)})
