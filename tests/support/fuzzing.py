"""Fuzzing: random inputs for a target, each of which must be read or told in one line, within bounds of time and memory.

A target is a module of tests/fuzz with ``CASES``, a strategy, and ``check``, which tries one of its values: it returns, or
raises AttnvizError. What it uses on purpose of ``FORBIDDEN``, it names in ``ALLOWED``.
"""

from __future__ import annotations

import gc
import importlib
import os
import re
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from attnviz.errors import AttnvizError

FOLDER = Path(__file__).parents[1] / "fuzz"
BATCH = 100  # inputs that one run of hypothesis tries
LONGEST = 5  # seconds for one input
MOST = 500 << 20  # bytes that one input may add to what the process takes
FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "pickle.find_class")
READ_ANYWHERE = ("/proc", "/sys", "/dev/null", "/dev/urandom", "/etc")
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Fault(AssertionError):  # noqa: N818  (what it is called)
    """An input did what none may do."""


class Slow(BaseException):
    """An input takes too long: no handler of errors stops this."""


@dataclass
class Report:
    """What was tried of a target, and how it ended; ``failure`` is the smallest input that did what none may do."""

    inputs: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failure: Any = None
    error: BaseException | None = None


def targets() -> list[str]:
    """The names of all targets: the modules of tests/fuzz."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith(("_", "test_")))


def target(name: str) -> ModuleType:
    return importlib.import_module(f"tests.fuzz.{name}")


def fuzz(module: ModuleType, seconds: float, corpus: Path | None = None, most: int | None = None) -> Report:
    """Try inputs of the target for some ``seconds``, at the most ``most`` of them, until one does what none may do."""
    report, end, last = Report(), time.monotonic() + seconds, [None]
    options = settings(
        max_examples=min(BATCH, most or BATCH),
        database=None if corpus is None else DirectoryBasedExampleDatabase(corpus / module.__name__.rpartition(".")[2]),
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate, Phase.shrink],
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
    )

    def once(case: Any) -> None:
        if time.monotonic() > end and report.inputs and report.error is None:
            return
        report.inputs += 1
        last[0] = case
        try:
            report.outcomes[tried(module, case)] += 1
        except BaseException as error:
            report.error = error
            raise

    _warm_up(module)
    for number in range(sys.maxsize):
        try:
            seed(time.time_ns() + number)(options(given(module.CASES)(once)))()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            report.failure, report.error = last[0], report.error or error
            return report
        if time.monotonic() > end or (most is not None and report.inputs >= most):
            return report
    return report


def tried(module: ModuleType, case: Any) -> str:
    """How one input ends: "read", or what was said; Fault where it does what none may do."""
    before = _descriptors()
    with _bounded(), _watched(getattr(module, "ALLOWED", ())), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            module.check(case)
            said = "read"
        except AttnvizError as error:
            said = error.message
            if not all(line.isprintable() for line in (error.message, error.hint)) or not said:
                raise Fault(f"a message that is no plain line: {error.message!r}, {error.hint!r}") from None
    if _descriptors() > before:
        gc.collect()
        if _descriptors() > before:
            raise Fault("a file is left open")
    return _kind(said)


def _kind(message: str) -> str:
    """The same for messages that differ only in names and numbers."""
    message = re.sub(r"\S*/\S+|'[^']*'|\"[^\"]*\"", "…", message)
    return re.sub(r"\d[\d,.]*", "#", message)[:120]


def _warm_up(module: ModuleType) -> None:
    """What an input imports is no fault of it: a few are tried before all are watched."""

    @settings(
        max_examples=10, database=None, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
    )
    @given(module.CASES)
    def once(case: Any) -> None:
        with suppress(Exception):  # what fails here is tried again, watched
            module.check(case)

    once()


@contextmanager
def _bounded() -> Iterator[None]:
    """Fault where the block takes too long, or too much memory."""

    def stop(*_: Any) -> None:
        raise Slow

    before = _peak(reset=True)
    handler = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    except Slow:
        raise Fault(f"more than {LONGEST} s") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    if (taken := _peak(reset=False) - before) > MOST:
        raise Fault(f"{taken >> 20} MiB of memory")


def _peak(reset: bool) -> int:
    """The most memory that this process took since the last reset; 0 where the system does not say."""
    try:
        if reset:
            CLEAR.write_text("5")
        return int(re.search(r"VmHWM:\s+(\d+)", STATUS.read_text())[1]) << 10
    except (OSError, TypeError):
        return 0


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


_allowed: list[tuple[str, ...]] = []
_faults: list[str] = []
_ROOTS = (tempfile.gettempdir(), sys.prefix, sys.base_prefix, str(FOLDER.parents[1]), *sys.path[1:], *READ_ANYWHERE)


@contextmanager
def _watched(allowed: tuple[str, ...]) -> Iterator[None]:
    """Fault where the block opens a file that nobody named, starts a program, makes a connection, or unpickles."""
    if not _allowed:
        sys.addaudithook(_noted)
        _allowed.append(())
    _faults.clear()
    _allowed.append(tuple(allowed))
    try:
        yield
    finally:
        _allowed.pop()
        if _faults:
            raise Fault(_faults[0])


def _noted(event: str, arguments: tuple[Any, ...]) -> None:
    if len(_allowed) < 2:
        return
    if event == "open" and isinstance(arguments[0], str | bytes):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        writes = isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        inside = _ROOTS[:1] if writes and "__pycache__" not in path else _ROOTS
        if path != os.devnull and not path.startswith(tuple(root for root in inside if root)):
            _faults.append(f"it {'writes' if writes else 'reads'} {path}")
    elif event in FORBIDDEN and event not in _allowed[-1]:
        _faults.append(f"{event}{arguments!r:.100}")


INTERESTING = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 10**6]


@st.composite
def mutated(draw: st.DrawFn, content: bytes, most: int = 4) -> bytes:
    """``content`` with bytes, numbers or words changed, pieces taken out, doubled or put elsewhere, or cut short."""
    for _ in range(draw(st.integers(0, most))):
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        length = draw(st.sampled_from([1, 2, 4, 8, 30, 100]))
        other = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(["byte", "number", "cut", "out", "double", "move", "digits", "random"])):
            case "byte":
                piece = bytes([draw(st.integers(0, 255))])
                content = content[:place] + piece + content[place + 1 :]
            case "number":
                width = draw(st.sampled_from([2, 4, 8]))
                number = draw(st.sampled_from(INTERESTING)) & (256**width - 1)
                content = content[:place] + number.to_bytes(width, "little") + content[place + width :]
            case "cut":
                content = content[:place]
            case "out":
                content = content[:place] + content[place + length :]
            case "double":
                content = content[: place + length] + content[place:]
            case "move":
                content = content[:other] + content[place : place + length] + content[other:]
            case "digits":
                number = draw(
                    st.sampled_from(["0", "-1", "1e400", "9" * 20, "true", "NaN", "[]", "null", "1.5"])
                ).encode()
                content = content[:place] + re.sub(rb"\d+", number, content[place:], count=1)
            case "random":
                content = content[:place] + draw(st.binary(max_size=8)) + content[place:]
    return content


def read_and_used(path: Path, content: bytes) -> None:
    """Read arrays or a trace from a file of this content, and compute what any look computes."""
    from attnviz.api import explain
    from attnviz.renderers.roles.told import evidence
    from attnviz.sources.files.qkv import read_trace
    from attnviz.text.lessons import lessons
    from attnviz.trace.written import written_steps

    path.write_bytes(content)
    trace = read_trace(path)
    for layer in trace.layers[:3]:
        layer.steps(0)
    str(explain(trace, layer=[str(trace.layers[0].index)], head=0))
    str(explain(trace, layer=[str(trace.layers[0].index)], head=0, words=True))
    for one in trace.roles:
        evidence(one, lessons())
    if trace.generation is not None:
        for written in written_steps(trace):
            written.rows(1)
