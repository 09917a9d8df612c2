"""Compressed files are read by their suffix, and what is wrong with them is one line."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard

from attnviz.errors import AttnvizError
from attnviz.sources.texts import compressed
from attnviz.sources.texts.compressed import compression_errors, decompressed, inner_name, is_compressed

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
EACH = pytest.mark.parametrize("suffix", COMPRESS)
TEXT = b"".join(b"line %d\n" % number for number in range(5000))


def read(path: Path) -> bytes:
    with open(path, "rb") as stream, compression_errors(path):
        return decompressed(stream, path).read()


@EACH
def test_what_was_compressed_comes_back(folder, suffix):
    path = folder / f"a.txt{suffix}"
    path.write_bytes(COMPRESS[suffix](TEXT))
    assert read(path) == TEXT
    assert (is_compressed(path), inner_name(path).name) == (True, "a.txt")


@EACH
def test_parts_that_follow_each_other_are_one_text(folder, suffix):
    path = folder / f"a{suffix}"
    path.write_bytes(COMPRESS[suffix](TEXT) + COMPRESS[suffix](b"more\n"))
    assert read(path) == TEXT + b"more\n"


def test_padding_between_parts_is_none_of_the_text(folder):
    (folder / "a.xz").write_bytes(lzma.compress(b"one\n") + b"\0" * 8 + lzma.compress(b"two\n") + b"\0" * 4)
    assert read(folder / "a.xz") == b"one\ntwo\n"


@EACH
def test_a_file_that_is_not_whole_is_told(folder, suffix):
    path = folder / f"a{suffix}"
    path.write_bytes(COMPRESS[suffix](TEXT)[:-5])
    with pytest.raises(AttnvizError, match="ends in the middle"):
        read(path)


@EACH
def test_a_file_of_something_else_is_told(folder, suffix):
    path = folder / f"a{suffix}"
    path.write_bytes(b"these are plain words\n")
    with pytest.raises(AttnvizError, match=f"is not a readable {suffix} file"):
        read(path)


@EACH
def test_damage_inside_is_told(folder, suffix):
    path = folder / f"a{suffix}"
    content = bytearray(COMPRESS[suffix](TEXT))
    content[len(content) // 2 : len(content) // 2 + 40] = b"\xa5" * 40
    path.write_bytes(content)
    with suppress(AttnvizError):  # which tells it, but for a format without a checksum
        assert read(path) != TEXT


@pytest.mark.slow
@EACH
def test_a_bomb_is_read_piece_by_piece(folder, suffix):
    path = folder / f"bomb{suffix}"
    path.write_bytes(COMPRESS[suffix](bytes(200 << 20)))
    tracemalloc.start()
    try:
        with open(path, "rb") as stream:
            assert decompressed(stream, path).read(100 << 10) == bytes(100 << 10)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 80 << 20


@pytest.mark.parametrize("suffix", [".xz", ".zst"])
def test_tables_larger_than_they_may_be_are_refused(folder, monkeypatch, suffix):
    monkeypatch.setattr(compressed, "MOST", 1 << 10)
    compressor = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=20)
    ).compressobj()
    path = folder / f"a{suffix}"
    path.write_bytes(lzma.compress(TEXT) if suffix == ".xz" else compressor.compress(TEXT) + compressor.flush())
    with pytest.raises(AttnvizError, match="is not a readable"):
        read(path)


def test_a_file_without_such_a_suffix_is_read_as_it_is(folder):
    (folder / "a.txt").write_bytes(TEXT)
    assert read(folder / "a.txt") == TEXT
    assert not is_compressed(folder / "a.txt")


def test_zstandard_that_is_missing_is_told(folder, monkeypatch):
    (folder / "a.zst").touch()
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(AttnvizError, match="needs zstandard, which is not installed") as caught:
        read(folder / "a.zst")
    assert caught.value.hint == "pip install 'attnviz[cluster]'"


def test_an_error_of_the_system_is_its_own():
    with pytest.raises(OSError, match="no such device"), compression_errors(Path("a.gz")):
        raise OSError(6, "no such device")
