"""How much memory there is, asked before it is taken."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from attnviz.errors import AttnvizError

USUAL = 8 << 30  # bytes: a usual laptop's, where a system does not say (Windows has no sysconf)
PROCESS, GROUPS = Path("/proc/self"), Path("/sys/fs/cgroup")
# A control group that bounds memory, as /proc/self/cgroup names it: of version 2, where one tree holds all, or of version 1.
GROUP = re.compile(r"\d+:(?:|(?P<first>(?:.*,)?memory(?:,.*)?)):/?(?P<path>.*)")
# How libraries say that there is no memory, for an array, their own code or a thread, each in its own kind of error.
COMPLAINTS = (
    "allocate memory",
    "failed to map segment",
    "bad_alloc",
    "start new thread",
    "thread creation failed",
    "could not be made c-contiguous",  # matplotlib's
    "without setting an exception",  # what Python says of NumPy's, which forgets to say anything
    "error return without exception set",
)
# Bytes of address space, on top of what is taken, with which a library gets through its start: with less, some end the process.
LEAST = 256 << 20  # for NumPy and matplotlib
TORCH = 512 << 20
MODELS = 640 << 20  # for torch and transformers


def usable_memory() -> int:
    """How many bytes this process may still take: the least of what the machine has, its control group and ulimit leave."""
    machine, limits = _limits()
    return max(0, min([machine, *(limit - _taken(field) for field, limit in limits.items())]))


def allowance() -> int:
    """How many bytes a single piece of work may take: half of them, for what it makes is looked at and written, too."""
    return usable_memory() // 2


def require_memory(needed: int, what: str, hint: str) -> None:
    """Refuse ``what`` before it is allocated when its ``needed`` bytes exceed what a single piece of work may take."""
    if needed > (limit := allowance()):
        raise AttnvizError(
            "{what} needs {needed} of memory, more than the {limit} it may take",
            hint,
            what=what,
            needed=_told(needed),
            limit=_told(limit),
        )


def bounded() -> bool:
    """Whether ulimit bounds what this process may map: then each thread more takes as much of it as a long text does."""
    return bool(_limits()[1])


def require_left(needed: int, what: str) -> None:
    """Refuse ``what`` where ulimit leaves less than the ``needed`` bytes."""
    if bounded() and (left := usable_memory()) < needed:
        raise AttnvizError(
            "not enough memory: {what} needs {needed}, and ulimit leaves {left}",
            "raise ulimit -v",
            what=what,
            needed=_told(needed),
            left=_told(left),
        )


def reserve() -> None:
    """Where ulimit bounds what this process may map, take now what some libraries need, which end the process, or print
    pages, when they lack it later. AttnvizError where that does not fit. Without such a limit, nothing is done."""
    if not bounded():
        return
    require_left(LEAST, "attnviz")
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # one buffer, and no stacks of threads
        os.environ.setdefault(name, "1")
    import hashlib  # noqa: F401  (its own library)

    import numpy

    square = numpy.ones((600, 600))  # large enough for the buffer, which NumPy's products keep
    square @ square


def lacks_memory(error: BaseException) -> bool:
    """Whether ``error``, of any library, says that there is not enough memory."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, of a GPU
        return True
    if any(words in str(error).lower() for words in COMPLAINTS):
        return True
    before = error.__cause__ or error.__context__  # what it was raised from, or while that was dealt with
    return before is not None and lacks_memory(before)


@lru_cache
def _limits() -> tuple[int, dict[str, int]]:
    """The bytes that the machine and its control groups have, and the limits of what this process may map, by the field of
    /proc/self/status that says how much it has mapped already."""
    return min([_physical(), *_of_groups()]), dict(_of_process())


def _physical() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return USUAL


def _of_process() -> Iterator[tuple[str, int]]:
    try:
        import resource
    except ImportError:  # Windows
        return
    for field, name in (("VmSize", "RLIMIT_AS"), ("VmData", "RLIMIT_DATA")):
        limit = resource.getrlimit(getattr(resource, name))[0]
        if limit != resource.RLIM_INFINITY:
            yield field, limit


def _of_groups() -> Iterator[int]:
    """The limits of the control groups around this process, the outer ones too; none on a system without."""
    for line in _read(PROCESS / "cgroup").splitlines():
        if (found := GROUP.fullmatch(line)) is None:
            continue
        tree, name = ("memory", "memory.limit_in_bytes") if found["first"] else ("", "memory.max")
        inner = PurePosixPath(found["path"])  # in a container it may be the host's path, and the limit at the root
        for folder in (inner, *inner.parents):
            limit = _read(GROUPS / tree / folder / name).strip()
            if limit.isdecimal():  # not "max"
                yield int(limit)


def _taken(field: str) -> int:
    """How many bytes of address space, or of data, this process has mapped; 0 where the system does not say."""
    for line in _read(PROCESS / "status").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) << 10  # of kB
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""


def _told(count: int) -> str:
    unit, size = ("GiB", 2**30) if count >= 2**30 else ("MiB", 2**20) if count >= 2**20 else ("KiB", 2**10)
    return f"{count / size:,.1f} {unit}"
