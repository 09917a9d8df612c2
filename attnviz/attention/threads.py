"""How many threads a computation takes: independent jobs side by side, each with its own."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from attnviz.attention.arrays import Array, is_torch
from attnviz.attention.memory import bounded

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Job = TypeVar("Job")
Result = TypeVar("Result")

_most: int | None = None  # processors, where they are shared with others of the same run
_stopped: ContextVar[threading.Event | None] = ContextVar("attnviz_stopped", default=None)  # of the job that runs here


class Stopped(BaseException):
    """A job ends since nobody waits for it any more; no Exception, which whoever is called by it may catch."""


def end_if_stopped() -> None:
    """Raise ``Stopped`` in a job whose block has ended, where it cannot yield (``side_by_side``)."""
    stopped = _stopped.get()
    if stopped is not None and stopped.is_set():
        raise Stopped


@contextmanager
def side_by_side(
    array: Array, work: Callable[[Job], Iterator[Result]], jobs: Sequence[Job], most: int
) -> Iterator[Iterator[Result]]:
    """The results of independent jobs, in their order, done side by side where ``array`` lies on the CPU, at most ``most``
    at once.

    ``work`` yields wherever it may stop for good, which it does once the block ends or is interrupted; what it yields last
    is its result. When the block ends, threads and limits are as they were before.

    Where a job is many small operations, that is faster than one job at a time with all threads in each operation:
    nothing waits at the end of each, which costs most on a machine that is busy with other things too.
    """
    with closing(_results(array, work, jobs, most)) as results:
        yield results


def _results(
    array: Array, work: Callable[[Job], Iterator[Result]], jobs: Sequence[Job], most: int
) -> Generator[Result, None, None]:
    limited = _limited(array) if len(jobs) > 1 else None
    stopped = threading.Event()

    def do(job: Job) -> Any:
        last = None
        _stopped.set(stopped)
        for step in work(job):
            last = step
            if stopped.is_set():
                break
        return last

    if limited is None:
        yield from map(do, jobs)
        return
    threads, limit = limited
    workers = max(1, min(threads, most, len(jobs)))
    begun: list[threading.Thread] = []
    with limit(max(1, threads // workers)) as begin:

        def noted() -> None:
            begun.append(threading.current_thread())
            begin()

        executor = _executor(workers, noted)
        try:
            yield from executor.map(do, jobs)
        finally:
            stopped.set()
            executor.shutdown(cancel_futures=True)  # what an interruption leaves is not begun
            for thread in begun:
                thread.join()  # one whose start was interrupted is unknown to the executor


@contextmanager
def numpy_threads(workers: int) -> Iterator[ThreadPoolExecutor]:
    """So many threads for jobs of NumPy and zlib, which leave the interpreter free while they compute; the threads that
    NumPy's products bring of their own would wait for each other twenty times as long as they compute."""
    with limit_blas(1) as begin, _executor(1 if bounded() else workers, begin) as executor:
        yield executor


def _executor(workers: int, begin: Callable[[], None]) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(workers, initializer=begin)


def on_cpu(array: Array) -> bool:
    """Whether ``array``, of any shape, lies in the memory of the CPU, as all of NumPy's do."""
    return not is_torch(array) or array.device.type == "cpu"


def _limited(array: Array) -> tuple[int, Any] | None:
    """How many threads there are for arrays such as ``array``, and a context that lets an operation take only so many,
    which yields what every thread has to do first; None where threads are not ours to give."""
    if is_torch(array):
        return (_torch_threads(), limit_torch) if on_cpu(array) else None
    return processors(), limit_blas


def processors() -> int:
    """How many processors this process may use, which a container or taskset makes fewer than there are."""
    if bounded():
        return 1
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()  # the one on Linux
    return min(there or 1, _most or sys.maxsize)


def limit_processors(most: int) -> None:
    """Let this process use no more than so many processors from here on: others of the same run use the rest."""
    global _most
    _most = most
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(most)


def _torch_threads() -> int:
    import torch

    return torch.get_num_threads()


@contextmanager
def limit_torch(each: int) -> Iterator[Callable[[], None]]:
    """torch's operations, the same way."""
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
    libraries = _blas()
    with libraries.limit(limits=min([each, *(library["num_threads"] for library in libraries.info())])):
        yield lambda: None


@cache
def _blas() -> Any:
    """The libraries beneath NumPy's products, which it brings when it is imported: to look for them takes a millisecond."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
