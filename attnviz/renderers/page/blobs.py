"""Arrays in a page: compressed, as base64, each different one once."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy

DENSE = 0.97  # of its size, which compression leaves of a sample: not worth the time


class Blobs:
    """The arrays of a page. ``add`` gives what the page's record says of one."""

    def __init__(self) -> None:
        self.by_digest: dict[bytes, bytes] = {}  # contents, in the order in which they came

    def add(self, array: numpy.ndarray) -> dict[str, Any]:
        """Where ``array`` is, and how to read it; an array that is there already (a mask of many layers) is shared."""
        content = numpy.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        digest = hashlib.sha256(content).digest()
        self.by_digest.setdefault(digest, content)
        return {"blob": list(self.by_digest).index(digest), "type": array.dtype.name, "shape": list(array.shape)}

    def in_base64(self, run: Callable[..., Iterable[str]] = map) -> Iterator[str]:
        """The contents in order, as they stand in the page; ``run`` is a ``map`` that may work on several at once."""
        return iter(run(_in_base64, self.by_digest.values()))


def _in_base64(content: bytes) -> str:
    """``content`` as base64 of a zlib stream, which a browser's DecompressionStream("deflate") reads."""
    return base64.b64encode(compressed(content)).decode("ascii")


def compressed(content: bytes) -> bytes:
    """``content`` as a zlib stream."""
    # Weights and vectors hardly repeat themselves: to look for repetitions, which is what deflate spends its time on, gains
    # nothing. Masks are nothing but repetitions. Numbers whose 16 bits are all of use cannot be made smaller, and are read
    # sooner as they are. A sample of the middle tells them apart.
    middle = content[len(content) // 2 :][:65536]
    repeats = len(zlib.compress(middle, 1)) < len(middle) / 8
    strategy = zlib.Z_DEFAULT_STRATEGY if repeats else zlib.Z_RLE
    if not repeats and len(_packed(middle, 6, strategy)) > DENSE * len(middle):
        return _packed(content, 0, strategy)
    return _packed(content, 6, strategy)


def _packed(content: bytes, level: int, strategy: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, 15, 9, strategy)
    return packer.compress(content) + packer.flush()
