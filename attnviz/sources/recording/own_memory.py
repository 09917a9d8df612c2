"""Memory for what is kept of a model's pass, apart from the memory that the pass itself takes and gives back.

In each layer a model's arrays come and go, and the heap gives them the same memory again. A copy that stays among them makes the
heap return that memory to the system and ask for it anew, layer by layer: of a decoder at 512 tokens a pass met 42,000 page
faults instead of 6,000, which took more time than copying and comparing. So the copies lie in maps of their own. A map that nobody
needs any longer is used again, for writing to pages that a process has not touched yet takes several times as long as copying.
"""

from __future__ import annotations

import ctypes
import mmap
import weakref
from contextlib import suppress
from typing import Any

import torch

CHUNK = 1 << 23  # bytes of a map, of which only what is written takes memory
ALIGNED = 64  # bytes: the longest that a processor reads at once
WAITING = 1 << 27  # bytes of maps that wait to be used again

_waiting: list[mmap.mmap] = []


class OwnMemory:
    """Maps into which arrays are copied, one behind the other. An array keeps the map that it lies in."""

    def __init__(self) -> None:
        self._map: Any = None  # what an array keeps of it: it is free once that is gone
        self._end = 0

    def copied(self, array: torch.Tensor) -> torch.Tensor:
        """``array``, of any device and strides, copied: contiguous, on the CPU, and free to be differentiated."""
        if not (size := array.numel() * array.element_size()):
            return array.detach().to("cpu", copy=True)
        if self._map is None or self._end + size > len(self._map):
            self._map, self._end = _lent(size), 0
        with torch.inference_mode(False), torch.no_grad():
            copy = torch.frombuffer(self._map, dtype=array.dtype, count=array.numel(), offset=self._end)
            copy = copy.view(array.shape).copy_(array)
        self._end += -(-size // ALIGNED) * ALIGNED
        return copy


def _lent(size: int) -> Any:
    """So many bytes at least, of a map that is used again once nothing is left of what is handed out."""
    lent = _waiting.pop() if size <= CHUNK and _waiting else _new_map(max(CHUNK, size))
    made = (ctypes.c_ubyte * len(lent)).from_buffer(lent)
    weakref.finalize(made, _given_back, lent).atexit = False
    return made


def _given_back(lent: mmap.mmap) -> None:
    if len(lent) == CHUNK and (len(_waiting) + 1) * CHUNK <= WAITING:
        _waiting.append(lent)


def _new_map(size: int) -> mmap.mmap:
    """So many bytes, shared with no other process where the system lets one say so, and in few large pages: of a text of 30 tokens
    each page of 4 KiB that is first written to takes longer than what is written."""
    if not hasattr(mmap, "MAP_PRIVATE"):  # Windows
        return mmap.mmap(-1, size)
    made = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):  # Linux
        with suppress(OSError):  # a system without large pages
            made.madvise(mmap.MADV_HUGEPAGE)
    return made
