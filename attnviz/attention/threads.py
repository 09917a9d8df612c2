"""How many threads a computation takes: independent jobs side by side, each with its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attnviz.attention.arrays import Array, is_torch


def in_threads(
    array: Array, work: Callable[[Any], Iterator[None]], jobs: Sequence[Any], most: int
) -> Generator[None, None, None]:
    """Do independent jobs side by side where ``array`` lies on the CPU, at most ``most`` at once; yields after each.

    ``work`` yields wherever it may stop for good, which it does once the generator is closed or interrupted; threads and
    limits are then as they were before.

    Where a job is many small operations, that is faster than one job at a time with all threads in each operation:
    nobody waits at the end of each, which costs most on a machine that is busy with other things too.
    """
    limited = _limited(array) if len(jobs) > 1 else None
    if limited is None:
        for job in jobs:
            for _ in work(job):
                pass
            yield
        return
    from concurrent.futures import ThreadPoolExecutor

    stopped = threading.Event()

    def do(job: Any) -> None:
        for _ in work(job):
            if stopped.is_set():
                return

    threads, limit = limited
    workers = max(1, min(threads, most, len(jobs)))
    with limit(max(1, threads // workers)) as begin:
        executor = ThreadPoolExecutor(workers, initializer=begin)
        try:
            yield from executor.map(do, jobs)
        finally:
            stopped.set()
            executor.shutdown(cancel_futures=True)  # what an interruption leaves is not begun


def on_cpu(array: Array) -> bool:
    return not is_torch(array) or array.device.type == "cpu"


def _limited(array: Array) -> tuple[int, Any] | None:
    """How many threads there are for arrays such as ``array``, and a context that lets an operation take but so many,
    which yields what every thread has to do first; None where threads are not ours to give."""
    if is_torch(array):
        return (_torch_threads(), _limit_torch) if on_cpu(array) else None
    return _processors(), limit_blas


def _processors() -> int:
    """How many processors this process may use, which a container or taskset makes fewer than there are."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _torch_threads() -> int:
    import torch

    return torch.get_num_threads()


@contextmanager
def _limit_torch(each: int) -> Iterator[Callable[[], None]]:
    import torch

    total = torch.get_num_threads()
    try:
        torch.set_num_threads(each)  # of the library beneath, too, which counts for the whole process
        yield lambda: torch.set_num_threads(each)
    finally:
        torch.set_num_threads(total)


@contextmanager
def limit_blas(each: int) -> Iterator[Callable[[], None]]:
    """NumPy's products: the library beneath brings threads of its own for each, 512 × 512 numbers large or not.

    A limit that is lower already, as OMP_NUM_THREADS sets it, stays.
    """
    from threadpoolctl import ThreadpoolController

    libraries = ThreadpoolController().select(user_api="blas")
    with libraries.limit(limits=min([each, *(library["num_threads"] for library in libraries.info())])):
        yield lambda: None
