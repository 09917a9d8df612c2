"""What would not fit into memory is refused before it is allocated."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

from attnviz.attention import memory
from attnviz.attention.memory import allowance, bounded, lacks_memory, require_memory, reserve, usable_memory
from attnviz.attention.threads import numpy_threads
from attnviz.errors import AttnvizError

GIBIBYTE = 1 << 30
FREE = resource.RLIM_INFINITY


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine that a test describes: its files of the kernel, and its limits."""
    limits = {resource.RLIMIT_AS: FREE, resource.RLIMIT_DATA: FREE}
    monkeypatch.setattr(memory, "PROCESS", tmp_path / "proc")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(resource, "getrlimit", lambda name: (limits[name], FREE))
    monkeypatch.setattr(os, "sysconf", {"SC_PAGE_SIZE": 1 << 12, "SC_PHYS_PAGES": 1 << 22}.get)  # 16 GiB

    def describe(files=(), **limited):
        for name, content in dict(files).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        limits.update({getattr(resource, name): limit for name, limit in limited.items()})
        memory._limits.cache_clear()

    describe()
    yield describe
    memory._limits.cache_clear()


def test_a_machine_without_limits_may_use_what_it_has(machine):
    machine()
    assert usable_memory() == 16 * GIBIBYTE
    assert allowance() == 8 * GIBIBYTE
    assert not bounded()


def test_a_machine_that_does_not_say_its_memory_has_a_usual_laptop_s(machine, monkeypatch):
    monkeypatch.delattr("os.sysconf")
    machine()
    require_memory(4 << 30, "half of it", "")
    with pytest.raises(AttnvizError, match=r"more than the 4.0 GiB it may take"):
        require_memory((4 << 30) + 1, "more than half", "")


def test_a_system_without_ulimit_has_its_memory(machine, monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    machine()
    assert usable_memory() == 16 * GIBIBYTE


@pytest.mark.parametrize(
    ("files", "usable"),
    [
        ({"proc/cgroup": "0::/\n", "groups/memory.max": "max\n"}, 16),
        ({"proc/cgroup": "0::/\n", "groups/memory.max": f"{3 * GIBIBYTE}\n"}, 3),
        ({"proc/cgroup": "0::/a/b\n", "groups/a/b/memory.max": "max", "groups/a/memory.max": f"{2 * GIBIBYTE}"}, 2),
        ({"proc/cgroup": "0::/../host/only\n", "groups/memory.max": f"{GIBIBYTE}"}, 1),
        ({"proc/cgroup": "4:memory:/a\n0::/\n", "groups/memory/a/memory.limit_in_bytes": f"{5 * GIBIBYTE}"}, 5),
        ({"proc/cgroup": "4:cpu,memory:/\n", "groups/memory/memory.limit_in_bytes": f"{GIBIBYTE}"}, 1),
        ({"proc/cgroup": "4:memory:/a\n", "groups/memory/a/memory.limit_in_bytes": "9223372036854771712"}, 16),
        ({"proc/cgroup": "nonsense\n::\n4:memory\n", "groups/memory.max": "-1"}, 16),
        ({"proc/cgroup": "1:cpu:/a\n", "groups/cpu/a/memory.max": "1"}, 16),
    ],
    ids=["free", "own", "outer", "namespace", "first version", "root", "unlimited", "nonsense", "another"],
)
def test_the_least_of_all_control_groups_counts(machine, files, usable):
    machine(files)
    assert usable_memory() == usable * GIBIBYTE
    assert not bounded()


@pytest.mark.parametrize(("limit", "field"), [("RLIMIT_AS", "VmSize"), ("RLIMIT_DATA", "VmData")])
def test_ulimit_counts_without_what_is_taken_already(machine, limit, field):
    machine({"proc/status": f"Name:\tx\n{field}:\t  {1 << 20} kB\n"}, **{limit: 4 * GIBIBYTE})
    assert usable_memory() == 3 * GIBIBYTE
    assert bounded()
    machine({"proc/status": f"{field}:\t {9 << 20} kB\n"}, **{limit: 4 * GIBIBYTE})
    assert usable_memory() == 0
    with numpy_threads(8) as threads:
        assert threads._max_workers == 1


def test_a_system_that_does_not_say_what_is_taken_leaves_the_limit(machine):
    machine(RLIMIT_AS=4 * GIBIBYTE)
    assert usable_memory() == 4 * GIBIBYTE


def test_what_exceeds_the_memory_is_refused_with_its_size(machine):
    machine(RLIMIT_AS=3 << 20)
    require_memory(1 << 20, "a small thing", "")
    with pytest.raises(AttnvizError, match=r"a map needs 1,048,576.0 GiB of memory, more than the 1.5 MiB it") as error:
        require_memory(1 << 50, "a map", "make it smaller")
    assert error.value.hint == "make it smaller"


def test_too_little_address_space_is_told_before_it_runs_out(machine):
    machine(RLIMIT_AS=100 << 20)
    with pytest.raises(AttnvizError, match=r"attnviz needs 256\.0 MiB, and ulimit leaves 100\.0 MiB"):
        reserve()


def test_products_have_their_memory_before_arrays_take_it(machine, monkeypatch):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    reserve()
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    machine(RLIMIT_AS=1 << 40)
    reserve()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        type("OutOfMemoryError", (RuntimeError,), {})("CUDA"),
        ImportError("x.so: failed to map segment from shared object"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        RuntimeError("can't start new thread"),
        OSError(12, "Cannot allocate memory"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_libraries_say_that_memory_is_lacking_in_many_ways(error):
    assert lacks_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("a mistake"), ImportError("no module"), OSError(28, "no space left")])
def test_other_errors_are_no_lack_of_memory(error):
    assert not lacks_memory(error)


def test_an_error_that_follows_from_a_lack_of_memory_is_one():
    for kind in ("__cause__", "__context__"):
        error = ValueError("odd")
        setattr(error, kind, MemoryError())
        assert lacks_memory(error)


# The real thing: a process whose address space is bounded.

LONG = " ".join(f"w{place % 500}" for place in range(3000))
COMMANDS = (
    ("explain", "--format", "json"),
    ("explain", "--format", "json", "--head", "0", "--step", "weights"),
    ("explain", "-o", "new.csv", "--query", "0:9"),
    ("explain",),
    ("explain", "-o", "new.safetensors"),
    ("heatmap", "-o", "new.png"),
    ("heatmap", "-o", "new.svg"),
    ("html", "-o", "new.html"),
    ("stats",),
    ("stats", "--lines"),
)


# Each command meets every second limit, and each limit every second command: where the memory runs out, what tells it is
# the same code for all.
LIMITS = [300, 340, 390, 450, 550, 700, 900, 1200]
BOUNDED = [(arguments, limit) for place, arguments in enumerate(COMMANDS) for limit in LIMITS[place % 2 :: 2]]


def _bounded(folder, limit, arguments):
    """The run of a command of 3,000 tokens in a process that may map ``limit`` MB."""
    (folder / "long.txt").write_text(LONG)
    return subprocess.run(
        [sys.executable, "-m", "attnviz", *map(str, arguments), "--file", "long.txt"],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"},  # as a person's own
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit * 1000**2,) * 2),
    )


def _require_one_line(run, folder, before):
    said = run.stderr.partition("nanobind: leaked")[0]  # Triton's, at the end of a process, where it lacks CUDA
    told = [line for line in said.splitlines() if not line.startswith(("attnviz: hint: ", "attnviz: line 1 sk"))]
    assert run.returncode in (0, 1), run
    assert len(told) == run.returncode, run.stderr
    assert all(line.startswith("attnviz: ") for line in told)
    assert {entry.name for entry in folder.iterdir()} <= before | {
        argument for argument in run.args if argument.startswith("new.")
    }


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS") or sys.platform != "linux", reason="bounds as Linux has them")
@pytest.mark.parametrize("limit", [450, 900])
def test_a_long_text_in_little_memory_is_done_or_told_in_one_line(tmp_path, limit):
    run = _bounded(tmp_path, limit, COMMANDS[0])
    _require_one_line(run, tmp_path, {"long.txt"})


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="bounds as Linux has them")
@pytest.mark.parametrize(
    ("arguments", "limit"), BOUNDED, ids=lambda one: " ".join(one) if isinstance(one, tuple) else one
)
def test_every_command_in_little_memory_is_done_or_told_in_one_line(tmp_path, limit, arguments):
    _require_one_line(_bounded(tmp_path, limit, arguments), tmp_path, {"long.txt"})


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="bounds as Linux has them")
@pytest.mark.parametrize("limit", [300, 500, 600, 680, 740, 800, 860, 950, 1200])
@pytest.mark.parametrize("arguments", [("--backend", "torch"), ("--layer", "0", "--model", "MODEL")], ids=" ".join)
def test_torch_and_a_model_in_little_memory_are_done_or_told_in_one_line(tmp_path, model_folder, limit, arguments):
    run = _bounded(
        tmp_path, limit, ["explain", "-o", "new.json", *(model_folder if one == "MODEL" else one for one in arguments)]
    )
    _require_one_line(run, tmp_path, {"long.txt"})
