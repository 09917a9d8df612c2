"""Whatever fails while a command reads and writes: the old file or the new one is whole, and one line says what it was."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy
import pytest
from command_line import attnviz
from faults import Allocations, Faults

from attnviz import stats, trace_text

WRITERS = (
    ("explain", "a b", "-o", "new.txt"),
    ("explain", "a b", "-o", "new.json"),
    ("explain", "a b", "-o", "new.csv"),
    ("explain", "a b", "-o", "new.md"),
    ("explain", "a b", "-o", "new.safetensors"),
    ("explain", "--from", "in.safetensors", "-o", "new.json"),
    ("explain", "--from", "in.npz", "-o", "new.safetensors"),
    ("explain", "--from", "in.json", "-o", "new.csv"),
    ("explain", "--from", "mapped.safetensors", "--query", "0", "--key", "1", "-o", "new.txt"),
    ("explain", "--lines", "--file", "in.txt", "-o", "new.jsonl"),
    ("explain", "--file", "in.txt", "--embeddings", "in.csv", "-o", "new.txt"),
    ("heatmap", "a b", "-o", "new.png"),
    ("heatmap", "a b", "-o", "new.svg"),
    ("heatmap", "a b", "-o", "new.pdf"),
    ("heatmap", "a b", "--format", "term", "-o", "new.txt"),
    ("html", "a b", "-o", "new.html"),
    ("stats", "a b", "-o", "new.csv"),
    ("stats", "a b", "-o", "new.json"),
    ("stats", "a b", "-o", "new.stats"),
    ("stats", "--merge", "in.stats", "-o", "new.stats"),
    ("stats", "a b", "--metric", "entropy", "-o", "new.png"),
)
QUICK = (WRITERS[1], WRITERS[6])
OTHERS = ((errno.ENOSPC, None), (errno.EIO, b"old"), (errno.EINTR, b"old"), (errno.EACCES, b"old"))
# Every command meets a full disk. Each other error meets every fourth: which call fails is the command's, what becomes of the
# error is that of files.py, which all share.
FAILURES = [
    pytest.param(
        arguments, code, old, id=f"{' '.join(arguments)}, {errno.errorcode[code]}{'' if old else ', no old file'}"
    )
    for place, arguments in enumerate(WRITERS)
    for code, old in ((errno.ENOSPC, b"old"), OTHERS[place % len(OTHERS)])
]
APART = 3  # a command's allocations are tried this far apart: they begin alike, and each begins at another place


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """The files that the commands read."""
    folder = tmp_path_factory.mktemp("inputs")
    trace_text("a b").save(folder / "in.safetensors")
    long = numpy.zeros((1, 300, 500))
    long[0, 0, 0] = 1
    numpy.savez(folder / "in.npz", q=numpy.eye(3), k=numpy.eye(3), v=numpy.eye(3))
    (folder / "in.json").write_text('{"q": [[1, 2]], "k": [[1, 2]], "v": [[3, 4]]}')
    (folder / "in.txt").write_text("a b\nb a\n")
    stats("a b").save(folder / "in.stats")
    (folder / "in.csv").write_text("a,1,2\nb,3,4\n")
    from attnviz.trace.safetensors import write_safetensors

    write_safetensors(folder / "mapped.safetensors", {"q": long, "k": long, "v": long}, {})
    return folder


@pytest.fixture
def folder(inputs, tmp_path, monkeypatch):
    for path in inputs.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.is_symlink()}


def new_file(folder, arguments) -> bytes:
    """What the command writes where nothing fails."""
    target = folder / arguments[-1]
    target.unlink(missing_ok=True)
    assert attnviz(*arguments).code == 0
    return target.read_bytes()


def require_nothing_lost(run, folder, target, old, new):
    """The old file is there, whole, or the new one, and nothing beside it; one line says what failed."""
    assert run.code in (0, 1), run
    told = [line for line in run.stderr.splitlines() if not line.startswith("attnviz: hint: ")]
    if run.code:
        assert len(told) == 1, run
        assert told[0].startswith("attnviz: "), run
    there = content(folder)
    assert there in ([{target: new}] if run.code == 0 else [{target: new}, {target: old} if old else {}])


def every_call_fails(folder, arguments, code, old) -> int:
    """Let each call fail in turn; how many there were."""
    target = arguments[-1]
    new = new_file(folder, arguments)
    for at in range(1, 200):
        (folder / target).unlink(missing_ok=True)
        if old is not None:
            (folder / target).write_bytes(old)
        with Faults(folder, at, code).planted() as faults:
            run = attnviz(*arguments)
        require_nothing_lost(run, folder, target, old, new)
        if not faults.failed:
            assert run.code == 0
            assert {"open", "write", "fsync", "rename"} <= set(faults.calls)
            return at - 1
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("arguments", QUICK, ids=" ".join)
def test_a_disk_that_fails_at_any_call_loses_nothing(folder, arguments):
    assert every_call_fails(folder, arguments, errno.ENOSPC, b"old") >= 6


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "code", "old"), FAILURES)
def test_every_command_that_writes_loses_nothing_whatever_fails(folder, arguments, code, old):
    assert every_call_fails(folder, arguments, code, old) >= 6


def test_what_is_read_fails_as_well(folder):
    """The double reaches the calls that read: else the sweep would prove nothing of them."""
    for arguments, expected in ((WRITERS[6], "read"), (WRITERS[8], "mmap")):
        with Faults(folder.parent.parent, 0, 0).planted() as faults:
            attnviz(*arguments)
        assert expected in faults.calls


def every_allocation_fails(folder, arguments, places) -> int:
    target = arguments[-1]
    new = new_file(folder, arguments)
    failed = 0
    for at in places:
        (folder / target).write_bytes(b"old")
        with Allocations(at).planted() as allocations:
            run = attnviz(*arguments)
        require_nothing_lost(run, folder, target, b"old", new)
        if not allocations.failed:
            break
        failed += 1
    return failed


@pytest.mark.parametrize("arguments", [("explain", "a b", "-o", "new.json")], ids=" ".join)
def test_an_allocation_that_fails_loses_nothing(folder, arguments):
    assert every_allocation_fails(folder, arguments, range(1, 400, 7)) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("arguments", WRITERS, ids=" ".join)
def test_every_command_that_writes_loses_nothing_whatever_allocation_fails(folder, arguments):
    first = 1 + WRITERS.index(arguments) % APART
    places = [*range(first, 300, APART), *(int(300 * 1.15**step) for step in range(40))]
    assert every_allocation_fails(folder, arguments, places) >= 1
