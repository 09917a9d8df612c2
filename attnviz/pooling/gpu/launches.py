"""How the pooling kernel is cut and compiled for a card, and how a kernel is started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from subprocess import CalledProcessError
from typing import Any

from attnviz.attention.arrays import Array


@dataclass(frozen=True)
class Launch:
    """How the kernel is cut and compiled.

    query_block, key_block   rows and columns of a tile of scores
    warps, stages            of a program; tiles of keys in flight
    programs                 on one multiprocessor at a time, so that one's exponentials run beside another's products
    registers                of a thread at most: what lets so many programs fit; None leaves it to the compiler
    """

    query_block: int = 128
    key_block: int = 128
    warps: int = 8
    stages: int = 2
    programs: int = 2
    registers: int | None = 128


class LaunchError(Exception):
    """Triton could not compile or start a kernel here; the cause is what it raised."""


def launches_for(query: Array, cell_keys: int) -> Iterator[Launch]:
    """The launch that was fastest on an H100, by the width of the numbers and the dimension; then ones that take ever less
    of a multiprocessor's shared memory, for other cards and other versions of Triton.

    None is searched for by timing: to compile a launch takes seconds, and a map milliseconds.
    """
    dimension, wide = query.shape[-1], query.dtype.itemsize == 4
    key_block = 128
    while key_block > 16 and key_block >= 2 * max(cell_keys, 16) and padded(cell_keys) != cell_keys:
        key_block //= 2  # one cell a tile, where a cell is not a power of two
    if wide and dimension > 128:
        launch = Launch(32, min(key_block, 64), 4, 1, 1, None)
    elif wide or dimension > 128:
        launch = Launch(64, min(key_block, 64), 4, 2, 2 if dimension <= 64 else 1, None)
    else:
        launch = Launch(key_block=key_block)
    yield launch
    while max(launch.query_block, launch.key_block) > 16:
        queries, keys = launch.query_block, launch.key_block
        if launch.stages == 1:
            queries, keys = (queries // 2, keys) if queries >= keys else (queries, keys // 2)
        launch = Launch(queries, keys, min(launch.warps, max(1, queries // 16)), 1, 1, None)
        yield launch


def start(kernel: Any, grid: tuple[int, ...], arguments: Mapping[str, Any]) -> None:
    """Start a kernel; LaunchError where Triton cannot, OutOfResources where the card has too little shared memory for it.

    A missing compiler and a pass that fails are RuntimeErrors of Triton; of a compiler that cannot be run or fails, and a cache
    that cannot be written, come Python's own errors. They are caught only around a launch: elsewhere a
    RuntimeError is torch's word on a mistake of ours, which the slower road would hide.
    """
    from triton.errors import TritonError
    from triton.runtime.errors import OutOfResources

    try:
        kernel[grid](**arguments)
    except OutOfResources:
        raise
    except (TritonError, RuntimeError, CalledProcessError, OSError) as error:
        raise LaunchError(str(error)) from error


def padded(size: int) -> int:
    """The next power of two."""
    return 1 << (size - 1).bit_length()
