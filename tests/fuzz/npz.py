"""Zip files of arrays: whole ones changed at random, and ones put together of members that nobody would write."""

from __future__ import annotations

import io
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy
from fuzzing import mutated, read_and_used
from hypothesis import strategies as st
from zip_bombs import Member, deflated, npy, write_zip, zeros_deflated

NAMES = (
    "query",
    "key",
    "value",
    "q",
    "K",
    "mask",
    "bias",
    "sinks",
    "tokens",
    "scale",
    "causal",
    "window",
    "weights",
    "attentions",
    "layer_0",
    "arr_1",
    "../query",
    "",
)
TYPES = (
    "<f8",
    ">f4",
    "<f2",
    "?",
    "i1",
    "<u8",
    "<c16",
    "|O",
    "<U3",
    "|S0",
    "|V2",
    "<M8[s]",
    "longdouble",
    "[('a', '<f8')]",
)
ARRAYS = {
    "query": numpy.arange(12.0).reshape(2, 3, 2),
    "key": numpy.ones((1, 3, 2), "f4"),
    "value": numpy.ones((1, 3, 2)),
    "mask": numpy.tri(3, dtype=bool),
    "tokens": numpy.array(["a", "ế", "👍🏽"]),
    "scale": numpy.array(0.5),
    "attentions": numpy.full((1, 2, 3, 3), 1 / 3),
}


def _written(write: Any) -> bytes:
    stream = io.BytesIO()
    write(stream, **ARRAYS)
    return stream.getvalue()


def header(descr: str, shape: tuple[int, ...], version: int = 1, extra: bytes = b"", fortran: bool = False) -> bytes:
    """What a .npy file begins with, whatever it says."""
    text = f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape!r}}}".encode() + extra
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text


SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, -1, 2**31, 2**62]), max_size=5).map(tuple)
HEADERS = st.builds(
    header, st.sampled_from(TYPES), SHAPES, st.sampled_from([1, 2, 3, 9]), st.binary(max_size=3), st.booleans()
)
CONTENTS = st.one_of(
    st.sampled_from([*ARRAYS.values()]).map(npy).flatmap(mutated),
    st.builds(bytes.__add__, HEADERS, st.binary(max_size=64)),
    st.binary(max_size=20),
)
MEMBERS = st.one_of(
    CONTENTS.map(deflated),
    st.builds(Member, CONTENTS, st.sampled_from([0, 1, 200, 2**31, 2**40, 2**63]), st.just(0)),
    HEADERS.map(lambda begin: Member(zeros_deflated(begin, 1 << 26), len(begin) + (1 << 26))),
)
PUT_TOGETHER = st.dictionaries(
    st.builds("{}{}".format, st.sampled_from(NAMES), st.sampled_from([".npy", ".npy", "", "/"])), MEMBERS, max_size=6
)
METHODS = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])


@st.composite
def _zipped(draw: st.DrawFn) -> bytes:
    """A zip that is sound, of arrays that are not, and then changed a little."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=True)):
            archive.writestr(f"{name}.npy", draw(CONTENTS), draw(METHODS))
        archive.comment = draw(st.binary(max_size=10))
    return draw(mutated(stream.getvalue(), 1))


def _bytes_of(members: dict[str, Member]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_zip(Path(folder, "made.npz"), members).read_bytes()


CASES = st.one_of(
    mutated(_written(numpy.savez)),
    mutated(_written(numpy.savez_compressed)),
    _zipped(),
    PUT_TOGETHER.map(_bytes_of),
)


def check(case: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read_and_used(Path(folder, "own.npz"), case)
