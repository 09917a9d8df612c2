"""How much of each file of the package its own tests run: python tests/support/own_coverage.py [FILE…]

The tests of attnviz/a/b.py are tests/a/test_b.py, tests/a/test_b_*.py and all in tests/a/b/. Each file is measured with
these alone, in a process of its own, so that no other test, cache or fixture lends it a line. Once ``REACH`` is reached, the
rest of its tests is skipped: pytest runs them all. Below it the exit code is 1, unless ``EXCEPTIONS`` says why. With FILE, only
these are measured, until each line has run, and their missing lines are named.
A file without a function is left out: nothing in it runs but its import. What a test starts as a program does not count.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import gc
import importlib
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

REACH = 95.0  # percent of the lines
EXCEPTIONS: dict[str, str] = {
    "corpora/engines/process_child.py": "is a program: what takes its standard input and output runs in a process of its own",
    "pooling/gpu/engine.py": "launches kernels: needs a GPU, or Triton's interpreter (pytest -m slow)",
    "pooling/gpu/pool_kernel.py": "a kernel: Triton compiles it, Python does not run it",
    "pooling/gpu/largest_key_kernel.py": "a kernel: Triton compiles it, Python does not run it",
}
# What many tests need is imported once, before the processes fork: no plugin of pytest, which it wants to import itself,
# and nothing of attnviz, whose lines count. transformers takes four seconds, in each process whose tests ask for a model.
IMPORTED = (
    "numpy",
    "pytest",
    "coverage",
    "torch",
    "transformers.modeling_utils",
    "matplotlib.figure",
    "typer",
    "rich.table",
)
ELSEWHERE = {"__init__.py": "test_public_api.py"}  # tests whose names say more than the file's would


@dataclass
class Measured:
    """How many lines of a file there are, which of them its own tests do not run, and how these tests ended."""

    file: str
    lines: int = 0
    missing: list[int] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    code: int = 0
    seconds: float = 0.0

    @property
    def share(self) -> float:
        return 100.0 * (1 - len(self.missing) / self.lines) if self.lines else 100.0


def own_tests(file: str, tests: Path, files: Iterable[str]) -> list[Path]:
    """The test files of ``file`` (a path below the package): those of its name, and those of the folder of its name."""
    if file in ELSEWHERE:
        return [tests / ELSEWHERE[file]]
    path = Path(file)
    package = path.name == "__init__.py"
    whole = path.parent if package else path.with_suffix("")
    folder, stem = tests / whole.parent, whole.name
    siblings = [Path(one).stem for one in files if Path(one).parent == whole.parent]
    longer = tuple(f"test_{name}" for name in siblings if name.startswith(f"{stem}_"))
    named = [folder / f"test_{stem}.py", *sorted(folder.glob(f"test_{stem}_*.py"))]
    inside = [] if package else sorted((folder / stem).rglob("test_*.py"))
    return [test for test in named if test.exists() and not _belongs(test.stem, longer)] + inside


def _belongs(stem: str, names: tuple[str, ...]) -> bool:
    return any(stem == name or stem.startswith(f"{name}_") for name in names)


def has_functions(path: Path) -> bool:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return any(isinstance(node, functions) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def measured(file: str, package: Path, tests: list[Path], enough: float = 100.0) -> Measured:
    """Run ``tests`` in this process until they have run ``enough`` percent of the lines of ``file``, and count these."""
    import coverage
    import pytest

    began = time.monotonic()
    path = str((package / file).resolve())
    counter = coverage.Coverage(data_file=None, include=[path], config_file=str(_root(package) / "pyproject.toml"))
    counter.set_option("run:disable_warnings", ["no-data-collected"])  # asked before the first line has run
    counter.start()
    # transformers has brought in a plugin of pytest (anyio's) before pytest could: no assertion of it is asked.
    early = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    arguments = ["-q", "-p", "no:cacheprovider", "--durations=0", "-W", early, *map(str, tests)]
    code = pytest.main(arguments, plugins=[UntilEnoughLinesRan(counter, path, enough)]) if tests else 0
    counter.stop()
    with contextlib.suppress(coverage.exceptions.CoverageException):
        counter.get_data().touch_file(path)
    _, lines, _, missing, _ = counter.analysis2(path)
    names = [str(test.relative_to(_root(package))) for test in tests]
    return Measured(file, len(lines), missing, names, int(code), time.monotonic() - began)


class UntilEnoughLinesRan:
    """A plugin of pytest that skips the tests after the one with which ``enough`` percent of ``path`` have run."""

    def __init__(self, counter: Any, path: str, enough: float) -> None:
        self.counter, self.path = counter, path
        self.lines = set(counter.analysis2(path)[1])
        self.wanted = len(self.lines) * enough / 100
        self.done = False

    def pytest_runtest_protocol(self) -> bool | None:
        self.done = (
            self.done or len(self.lines.intersection(self.counter.get_data().lines(self.path) or ())) >= self.wanted
        )
        return self.done or None  # True: it is dealt with


def _root(package: Path) -> Path:
    """The folder with pyproject.toml above ``package``."""
    return package.resolve().parent


def all_measured(files: Mapping[str, list[Path]], package: Path, jobs: int, enough: float) -> Iterator[Measured]:
    """Each file in a process of its own, ``jobs`` at a time: they fork from here, where what they share is imported."""
    waiting = list(files.items())
    with tempfile.TemporaryDirectory() as folder:
        running: dict[int, str] = {}
        while waiting or running:
            while waiting and len(running) < jobs:
                file, tests = waiting.pop(0)
                running[_forked(file, tests, package, Path(folder), enough)] = file
            process, status = os.wait()
            yield _left(running.pop(process), status, Path(folder))


def _forked(file: str, tests: list[Path], package: Path, folder: Path, enough: float) -> int:
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    try:  # in the child, which never returns
        with open(_place(folder, file, "log"), "w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            _place(folder, file, "json").write_text(json.dumps(asdict(measured(file, package, tests, enough))))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _left(file: str, status: int, folder: Path) -> Measured:
    """What the process that measured ``file`` has left."""
    result = _place(folder, file, "json")
    lost = Measured(file, 1, [1], code=status or 1)
    found = Measured(**json.loads(result.read_text())) if result.exists() else lost
    if found.code not in (0, 5):  # 5: no test was collected
        print(_place(folder, file, "log").read_text()[-3000:], file=sys.stderr)
    return found


def _place(folder: Path, file: str, suffix: str) -> Path:
    return folder / f"{file.replace('/', '+')}.{suffix}"


def faults(found: Iterable[Measured], exceptions: Mapping[str, str] = EXCEPTIONS) -> list[str]:
    """What is wrong: files below the reach, tests that fail, exceptions that are needed no more."""
    wrong = []
    for one in found:
        if one.code not in (0, 5):
            wrong.append(f"{one.file}: its tests fail")
        elif one.share < REACH and one.file not in exceptions:
            wrong.append(f"{one.file}: {one.share:.0f} % of {one.lines} lines, {len(one.missing)} are missing")
        elif one.share >= REACH and one.file in exceptions:
            wrong.append(f"{one.file}: is covered, and needs no exception")
    return wrong


def table(found: Iterable[Measured], least: float = 100.0) -> list[str]:
    """A line for each file below ``least`` percent, the worst first."""
    worst = sorted((one for one in found if one.share < least), key=lambda one: (one.share, one.file))
    return [
        f"{one.share:5.1f} %  {len(one.missing):3d} of {one.lines:3d} missing  {one.file}"
        + ("" if one.tests else "  (no tests of its own)")
        for one in worst
    ]


def ranges(lines: list[int]) -> str:
    """3, 5-8, 11"""
    parts: list[list[int]] = []
    for line in lines:
        if parts and parts[-1][1] == line - 1:
            parts[-1][1] = line
        else:
            parts.append([line, line])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in parts)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="such as attnviz/trace/layer.py, or a folder; nothing is all")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args(arguments)
    root = Path(__file__).resolve().parents[2]
    package, tests = root / "attnviz", root / "tests"
    every = [str(path.relative_to(package)) for path in sorted(package.rglob("*.py"))]
    wanted = [Path(file).resolve() for file in chosen.files] or [package]
    some = [
        file
        for file in every
        if any((package / file).is_relative_to(one) for one in wanted) and has_functions(package / file)
    ]
    os.chdir(root)
    sys.path.insert(0, str(root))
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as tests/conftest.py says, before NumPy is imported
    for name in IMPORTED if len(some) > 4 else ():  # else each imports what it needs sooner
        importlib.import_module(name)
    gc.freeze()  # pytest looks for garbage as it ends: half a second in each process, among all that was imported here

    began = time.monotonic()
    found = []
    enough = 100.0 if chosen.files else REACH
    for one in all_measured({file: own_tests(file, tests, every) for file in some}, package, chosen.jobs, enough):
        print(f"{one.share:5.1f} %  {one.seconds:4.0f} s  {one.file}", file=sys.stderr, flush=True)
        found.append(one)
    print(report(found, named=bool(chosen.files)), f"{time.monotonic() - began:.0f} s", sep="\n")
    return bool(faults(found))


def report(found: list[Measured], named: bool) -> str:
    """What a person reads: the worst files (those that were named with their missing lines), the sum, the faults."""
    shown = [
        f"{one.file}: {one.share:.1f} %, without {ranges(one.missing) or 'a gap'}  ({' '.join(one.tests)})"
        for one in found
        if named
    ]
    lines, missing = sum(one.lines for one in found), sum(len(one.missing) for one in found)
    slowest = sorted(found, key=lambda one: -one.seconds)[:5]
    return "\n".join(
        [
            *shown,
            *table(found, 100.0 if named else REACH),
            f"{len(found)} files, {lines} lines, {lines - missing}{'' if named else ' or more'} run by their own tests",
            "longest: " + ", ".join(f"{one.file} {one.seconds:.0f} s" for one in slowest),
            *(f"wrong: {fault}" for fault in faults(found)),
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
