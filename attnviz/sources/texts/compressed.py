"""Compressed files as streams of what they hold, at memory that does not grow with it."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from attnviz.errors import AttnvizError

PIECE = 2 << 10  # bytes given to a decompressor at once: zstd may make 2**15 times as many of them, which is 64 MiB
MOST = 128 << 20  # bytes that the tables of a decompressor may take; the highest usual levels take half of it
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


def is_compressed(path: Path) -> bool:
    """Whether the suffix says so."""
    return path.suffix.lower() in COMPRESSED


def inner_name(path: Path) -> Path:
    """The name without the suffix of a compression: corpus.jsonl for corpus.jsonl.gz."""
    return path.with_suffix("") if is_compressed(path) else path


@contextmanager
def compression_errors(path: Path) -> Iterator[None]:
    """Turn what the libraries say of damaged files into one line; a file that is not compressed raises nothing of the kind."""
    try:
        yield
    except EOFError:
        raise AttnvizError(
            "{path} ends in the middle: the rest of it is missing", "fetch it again", path=path
        ) from None
    except Exception as error:
        if not _is_damage(error):
            raise
        raise AttnvizError(
            "{path} is not a readable {suffix} file: {error}", path=path, suffix=path.suffix, error=error
        ) from None


def decompressed(stream: BinaryIO, path: Path) -> BinaryIO:
    """What ``stream``, the file ``path``, holds, by its suffix; an uncompressed file as it is."""
    match path.suffix.lower():
        case ".gz":
            import gzip

            return gzip.GzipFile(fileobj=stream)  # type: ignore[return-value]  # a BufferedIOBase
        case ".bz2":
            import bz2

            return bz2.BZ2File(stream)  # type: ignore[return-value]
        case ".xz":
            import lzma

            return _whole(stream, lambda: lzma.LZMADecompressor(memlimit=MOST))
        case ".zst":
            return _whole(stream, _zstd(path))
    return stream


def _zstd(path: Path) -> Callable[[], Any]:
    try:
        import zstandard
    except ImportError:
        raise AttnvizError(
            "{path} needs zstandard, which is not installed", "pip install 'attnviz[cluster]'", path=path
        ) from None
    return lambda: zstandard.ZstdDecompressor(max_window_size=MOST).decompressobj()


def _is_damage(error: Exception) -> bool:
    """Whether a library says of a file that it is damaged: each has an error of its own, and of OSError no number."""
    if isinstance(error, zlib.error) or type(error).__name__ in ("LZMAError", "ZstdError"):
        return True
    return isinstance(error, OSError) and error.errno is None


def _whole(stream: BinaryIO, fresh: Callable[[], Any]) -> BinaryIO:
    return io.BufferedReader(_Decompressed(stream, fresh))


class _Decompressed(io.RawIOBase):
    """What a stream of compressed parts, one behind the other, holds.

    The readers of lzma and zstandard either bound no memory or take an end in the middle for the end.
    """

    def __init__(self, stream: BinaryIO, fresh: Callable[[], Any]) -> None:
        self._stream, self._fresh = stream, fresh
        self._part: Any = None  # the decompressor of a part that has begun
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not (piece := self._stream.read(PIECE)):
                if self._part is not None:
                    raise EOFError
                return 0
            self._ready = memoryview(b"".join(self._taken(piece)))
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _taken(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            if self._part is None:
                if not (piece := piece.lstrip(b"\0")):  # padding between parts
                    return
                self._part = self._fresh()
            yield self._part.decompress(piece)
            piece = b""
            if self._part.eof:
                piece, self._part = self._part.unused_data, None
