"""NumPy's files: what is asked for is read, what its header says is believed only as far as it is there."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy
import pytest
from array_files import normal, three, written
from command_line import surroundings
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from zip_bombs import Member, beside_a_bomb, bomb, deflated, npy, npy_header, write_zip, zeros_deflated

from attnviz.errors import AttnvizError
from attnviz.sources.files import numpy_files
from attnviz.sources.files.qkv import read_trace
from attnviz.sources.files.toy_parts import read_embeddings

MOST, LONGEST = 500 << 20, 5.0  # bytes and seconds of a run that a bomb is given to
PAIRS = {name: npy(numpy.eye(2)) for name in ("query", "key", "value")}


# The peak is read in the process itself: what waits for it is told the peak of the process that it was forked from, too.
MEASURED = """
import sys
from attnviz.__main__ import run
try:
    run()
finally:
    status = open("/proc/self/status").read()
    print(status.partition("VmHWM:")[2].split()[0])
"""


def measured(*arguments: object) -> tuple[int, str, int, float]:
    """The exit code of attnviz, what it says, the most memory that it took, and the time."""
    begin = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=surroundings(),
        check=False,
        timeout=60,
    )
    seconds = time.monotonic() - begin
    return process.returncode, process.stderr, int(process.stdout.splitlines()[-1]) << 10, seconds


@pytest.mark.slow
def test_a_bomb_is_refused_by_its_header(tmp_path):
    """16 MB that say 16 GiB, and hold them."""
    path = bomb(tmp_path / "own.npz", (1, 1 << 21, 1 << 10))
    assert 15_000_000 < path.stat().st_size < 18_000_000
    code, said, memory, seconds = measured("explain", "--from", path)
    assert code == 1
    assert "own.npz" in said
    assert said.count("\n") <= 2
    assert memory < MOST
    assert seconds < LONGEST


@pytest.mark.slow
def test_a_bomb_that_nobody_asked_for_is_not_opened(tmp_path):
    """4 GiB beside query, key and value."""
    path = beside_a_bomb(tmp_path / "own.npz", three(), 4 << 30)
    code, said, memory, seconds = measured("explain", "--from", path, "--format", "json")
    assert (code, said) == (0, f"attnviz: {path} also holds huge, which attnviz does not read\n")
    assert memory < MOST
    assert seconds < LONGEST


def test_what_compresses_too_well_may_be_saved_uncompressed(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_files, "SMALL", 1 << 16)
    arrays = {name: numpy.zeros((1, 100, 100)) for name in ("query", "key", "value")}
    numpy.savez_compressed(tmp_path / "own.npz", **arrays)
    with pytest.raises(AttnvizError, match=r"claims to hold 0 MiB of numbers, over 100 times its own size") as error:
        read_trace(tmp_path / "own.npz")
    assert "numpy.savez" in error.value.hint
    numpy.savez(tmp_path / "own.npz", **arrays)
    assert read_trace(tmp_path / "own.npz").layers[0].query.shape == (1, 100, 100)


def members(path: Path, **contents: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name + ".npy", content)
    return path


def refused(path: Path) -> str:
    with pytest.raises(AttnvizError) as error:
        read_trace(path)
    assert error.value.message.isprintable()
    return error.value.message


HEADERS = {
    "long": (b"\x93NUMPY\2\0" + struct.pack("<I", 1 << 30), "its header has 1,073,741,824 bytes, expected at most 10,000"),
    "rather long": (b"\x93NUMPY\1\0" + struct.pack("<H", 20_000), "its header has 20,000 bytes"),
    "of no number": (npy_header((2, 2), "|V0"), "its array has the shape (2, 2) and 0 bytes a number"),
    "negative": (npy_header((-2, 2)), "its array has the shape (-2, 2)"),
    "empty and enormous": (npy_header((0, 2**31, 2**31), "|b1"), "its array has the shape (0, 2147483648, 2147483648)"),
    "version 3": (b"\x93NUMPY\3\0" + bytes(99), "version 3.0 of its header is not for arrays of numbers"),
    "version 9": (b"\x93NUMPY\x09\0" + bytes(99), "version 9.0 of its header is not for arrays of numbers"),
    "larger than its member": (npy_header((9999, 9999)), "its header says 799,840,008 bytes of numbers, but 0 follow"),
    "enormous": (npy_header((2**62, 2**62)), "its array has the shape"),
    "code": (b"\x93NUMPY\1\0" + struct.pack("<H", 40) + b"{'descr': __import__('os'), 'shape': ()}", "its header does not say which array it is"),
    "nested": (b"\x93NUMPY\1\0" + struct.pack("<H", 9000) + b"[" * 9000, "its header does not say which array it is"),
    "nothing": (b"", "is not a readable .npz file"),
    "no array": (b"words", "is not a readable .npz file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", HEADERS)
def test_a_header_that_is_wrong_is_one_line(tmp_path, kind):
    header, words = HEADERS[kind]
    assert words in refused(members(tmp_path / "own.npz", **PAIRS | {"query": header}))


@pytest.mark.parametrize("kind", HEADERS)
def test_the_header_of_what_nobody_asked_for_is_not_read(tmp_path, kind):
    path = members(tmp_path / "own.npz", **PAIRS, other=HEADERS[kind][0])
    assert read_trace(path).source.unread == ("other",)


@pytest.mark.parametrize("said", [0, 100, 1 << 20, 1 << 40])
def test_a_size_that_lies_is_bounded_by_what_the_header_says(tmp_path, said):
    contents = {f"{name}.npy": deflated(content) for name, content in PAIRS.items()}
    lying = contents["query.npy"]._replace(size=said)
    path = write_zip(tmp_path / "own.npz", contents | {"query.npy": lying})
    if said > len(PAIRS["query"]):
        assert_array_equal(read_trace(path).layers[0].query[0], numpy.eye(2))
    else:
        refused(path)


def test_more_than_a_header_says_is_not_decompressed(tmp_path, monkeypatch):
    """The stream goes on for a gigabyte; the header says 32 bytes, and the archive as many, or all."""
    header, pieces = npy_header((2, 2)), []
    monkeypatch.setattr(zipfile.ZipExtFile, "_update_crc", lambda _, piece: pieces.append(len(piece)))
    data = zeros_deflated(header, 1 << 30)
    for size in (len(header) + 32, len(header) + (1 << 30)):
        path = write_zip(tmp_path / "own.npz", {f"{name}.npy": Member(data, size) for name in PAIRS})
        assert read_trace(path).layers[0].query.tolist() == [[[0, 0], [0, 0]]]
    assert sum(pieces) < 1 << 20


def test_an_encrypted_member_says_so(tmp_path):
    path = members(tmp_path / "own.npz", **PAIRS)
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + place] |= 1
    path.write_bytes(content)
    assert "is encrypted" in refused(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_numpy_would_not_compress_so_is_refused(tmp_path, method):
    """Their decompressors take no bound."""
    with zipfile.ZipFile(tmp_path / "own.npz", "w", method) as archive:
        for name, content in PAIRS.items():
            archive.writestr(name + ".npy", content)
    assert "'query.npy' is compressed in a way that NumPy does not use" in refused(tmp_path / "own.npz")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["query.npy", "query"])
def test_a_name_that_stands_twice_is_refused(tmp_path, second):
    path = members(tmp_path / "own.npz", **PAIRS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(second, PAIRS["key"])
    assert "it holds 'query' twice" in refused(path)


def test_names_with_a_path_are_only_names(tmp_path):
    path = members(tmp_path / "own.npz", **PAIRS, **{"../query": b"x", "/etc/key": b"y"})
    assert read_trace(path).source.unread == ("../query", "/etc/key")


@pytest.mark.slow
def test_many_members_are_listed_and_not_read(tmp_path):
    contents = {f"{name}.npy": deflated(content) for name, content in PAIRS.items()}
    path = write_zip(tmp_path / "own.npz", contents | {f"{number}": Member(b"", 0) for number in range(66_000)})
    assert len(read_trace(path).source.unread) == 66_000


def test_a_list_of_members_that_would_fill_the_memory_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(numpy_files, "PIECE", 16)
    monkeypatch.setattr(numpy_files, "BYTES_A_MEMBER", 1 << 50)
    assert "the list of arrays in" in refused(members(tmp_path / "own.npz", **PAIRS))


def test_arrays_that_do_not_fit_are_refused_before_they_are_read(tmp_path, monkeypatch):
    path = written(tmp_path / "own.npz", three())
    monkeypatch.setattr(numpy_files, "allowance", lambda: 100)
    monkeypatch.setattr(numpy_files, "require_memory", refuse)
    with pytest.raises(AttnvizError, match=r"what .*own\.npz holds: 240"):
        read_trace(path)


def refuse(needed: int, what: str, hint: str) -> None:
    raise AttnvizError(f"{what}: {needed}", hint)


def test_memory_that_is_not_there_after_all_is_one_line(tmp_path, monkeypatch):
    path = written(tmp_path / "own.npz", three())
    monkeypatch.setattr(numpy, "empty", lambda *_, **__: (_ for _ in ()).throw(MemoryError))
    assert "claims to hold more than fits into memory" in refused(path)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f2", "?", "i1", "<U3"])
def test_what_numpy_writes_is_read_as_it_was(tmp_path, order, dtype):
    array = numpy.asarray(normal(2, 3, 4).astype(dtype), order=order)
    numpy.savez(tmp_path / "own.npz", **dict.fromkeys(PAIRS, array))
    with (tmp_path / "own.npz").open("rb") as stream:
        read = numpy_files.read_npz(
            numpy_files.Contents(tmp_path / "own.npz", ".npz", stream, True), lambda name: name == "key"
        )
    assert read["query"] is numpy_files.UNREAD
    assert (read["key"].dtype, read["key"].shape) == (array.dtype, array.shape)
    assert_array_equal(read["key"], array)


def test_a_header_of_an_old_python_is_read_without_a_warning(tmp_path):
    content = npy(numpy.eye(2)).replace(b"(2, 2)", b"(2L,2)")
    (tmp_path / "own.npy").write_bytes(content)
    assert read_embeddings(tmp_path / "own.npy")(["a", "b"]).tolist() == [[1, 0], [0, 1]]


def test_one_array_is_read_from_its_header_too(tmp_path):
    (tmp_path / "own.npy").write_bytes(npy_header((2, 2)) + bytes(31))
    with pytest.raises(AttnvizError, match=r"its header says 32 bytes of numbers, but 31 follow"):
        read_embeddings(tmp_path / "own.npy")


@settings(max_examples=30)
@given(
    shape=st.lists(st.integers(-1, 2**63), max_size=5).map(tuple),
    descr=st.sampled_from(["<f8", "|V0", "|S0", "<U1000000000", "|O", "<M8[s]", "[('a', '<f8')]", "<c16", ">g"]),
)
def test_any_shape_and_type_is_an_array_or_one_line(tmp_path_factory, shape, descr):
    path = tmp_path_factory.getbasetemp() / "any.npz"
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}}}".encode()
    header = b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + bytes(64)
    members(path, **PAIRS | {"query": header})
    message = ""
    try:
        read_trace(path)
    except AttnvizError as error:
        message = error.message
    assert message.isprintable()


def test_a_stream_that_ends_early_says_what_is_missing():
    header = numpy_files.Header((4,), False, numpy.dtype("<f8"))
    with pytest.raises(ValueError, match="its header says 32 bytes of numbers, but 30 follow"):
        numpy_files._numbers(header, io.BytesIO(bytes(30)))


def test_what_a_library_quotes_of_a_damaged_file_is_told_in_part():
    """A name in a zip may have 65,535 bytes."""
    with (
        pytest.raises(AttnvizError, match=r"^a\.npz is not a readable \.npz file: File name x{180,}…$") as raised,
        numpy_files.damage_told(Path("a.npz"), ".npz"),
    ):
        raise zipfile.BadZipFile(f"File name {'x' * 65_535}")
    assert len(str(raised.value)) < 300
