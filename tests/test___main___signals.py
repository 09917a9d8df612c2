"""Signals at any moment of a run: the target is whole, and what can be tidied up is."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import pytest
import signalled
from command_line import attnviz, ended_by, program, started, surroundings

from attnviz import files
from attnviz.__main__ import run

WRITERS = {
    "txt": ("explain", "a b c", "-o", "new.txt"),
    "json": ("explain", "a b c", "-o", "new.json"),
    "csv": ("explain", "a b c", "-o", "new.csv"),
    "md": ("explain", "a b c", "-o", "new.md"),
    "safetensors": ("explain", "a b c", "-o", "new.safetensors"),
    "png": ("heatmap", "a b c", "-o", "new.png"),
    "svg": ("heatmap", "a b c", "-o", "new.svg"),
    "pdf": ("heatmap", "a b c", "-o", "new.pdf"),
    "html": ("html", "a b c", "-o", "new.html"),
    "stats.csv": ("stats", "a b c", "-o", "new.csv"),
    "stats.json": ("stats", "a b c", "-o", "new.json"),
    "stats.png": ("stats", "a b c", "--metric", "entropy", "-o", "new.png"),
}
FORMATS = pytest.mark.parametrize("arguments", WRITERS.values(), ids=WRITERS)
# A text that is written in one piece, a trace that is written in many, and a picture that another library writes are killed
# most often: what all others write goes through the same file layer in one of these ways.
OFTEN = [WRITERS[name] for name in ("json", "safetensors", "png")]


class Sweep:
    """Runs of one command that a signal ends at random moments.

    A run is a copy of this process, which has all imported: most of its time it computes and writes. Half of the moments
    are spread over the whole run, the others lie in and right after the time in which its file is written.
    """

    def __init__(self, folder: Path, arguments: tuple[str, ...], seed: int = 0) -> None:
        self.folder, self.arguments, self.target = folder, arguments, folder / arguments[-1]
        self.random = random.Random(seed)
        begin = time.perf_counter()
        assert attnviz(*arguments).code == 0
        self.new, self.old = self.target.read_bytes(), b"old" * 999
        begin = time.perf_counter()
        assert attnviz(*arguments).code == 0
        self.seconds = time.perf_counter() - begin

    def ended_by(self, number: int) -> int:
        """The exit code, or minus the signal, of one more run; its target is old when it begins."""
        self.target.write_bytes(self.old)
        with warnings.catch_warnings(
            action="ignore"
        ):  # of a library that another test has imported, and that has threads
            child = os.fork()
        if not child:
            self._be_the_program()
        if self.random.random() < 0.5:
            time.sleep(self.random.uniform(0, 1.2 * self.seconds))
        else:
            self._wait_for_the_file(child)
            time.sleep(self.random.choice((0, self.random.uniform(0, 0.003))))
        os.kill(child, number)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _be_the_program(self) -> None:
        code = 99
        try:
            log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.argv = ["attnviz", *self.arguments]
            sys.stdin, sys.stdout, sys.stderr = open(os.devnull), open(1, "w"), open(2, "w")  # noqa: SIM115
            try:
                run()
            except SystemExit as ended:
                code = int(ended.code or 0)
        except KeyboardInterrupt as late:
            if isinstance(
                late.__context__, SystemExit
            ):  # it came when all was done, and the program was on its way out
                code = 143
        finally:
            os._exit(code)  # without what pytest would do at its end

    def _wait_for_the_file(self, child: int) -> None:
        end = time.monotonic() + 10 * self.seconds + 1
        while time.monotonic() < end and not self.left():
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return

    def left(self) -> list[str]:
        """The temporary files that are there."""
        return [name for name in os.listdir(self.folder) if files.TEMPORARY.fullmatch(name)]

    def whole(self) -> bool:
        return self.target.read_bytes() in (self.old, self.new)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kill_often(folder, arguments, count) -> tuple[int, int]:
    """How many of so many runs were killed, and how many of these while they wrote."""
    sweep, killed, writing = Sweep(folder, arguments), 0, 0
    for _ in range(count):
        code = sweep.ended_by(signal.SIGKILL)
        assert code in (0, -signal.SIGKILL)
        assert sweep.whole()
        killed += code != 0
        writing += bool(sweep.left())
        for name in sweep.left():
            os.utime(name, (0, 0))  # as if it were long ago
    attnviz(*arguments)
    assert sweep.left() == []
    return killed, writing


def terminate_often(folder, arguments, count) -> int:
    sweep, ended = Sweep(folder, arguments), 0
    for _ in range(count):
        code = sweep.ended_by(signal.SIGTERM)
        assert code in (0, 143, -signal.SIGTERM)  # the last, where it came before the program could see to it
        assert sweep.whole()
        assert sweep.left() == []
        ended += code == 143
    assert set(Path("log").read_text().splitlines()) <= {arguments[-1]}
    return ended


def test_a_run_that_is_killed_leaves_its_target_whole(folder):
    killed, writing = kill_often(folder, WRITERS["json"], 30)
    assert killed > 5
    assert writing > 1


def test_a_run_that_is_terminated_leaves_nothing(folder):
    assert terminate_often(folder, WRITERS["json"], 30) > 5


@pytest.mark.slow
@FORMATS
def test_writes_of_each_format_that_are_killed_leave_their_target_whole(folder, arguments):
    count = 80 if arguments in OFTEN else 24
    killed, writing = kill_often(folder, arguments, count)
    assert killed > count // 4
    assert writing > count // 24


@pytest.mark.slow
@FORMATS
def test_each_format_leaves_nothing_where_it_is_terminated(folder, arguments):
    count = 24 if arguments in OFTEN else 12
    assert terminate_often(folder, arguments, count) > count // 5


def test_a_program_that_is_terminated_while_it_waits_ends_as_with_ctrl_c(folder):
    with started("explain", "--lines", "-o", "never.json") as process:
        process.stdin.write(b"a line\n")
        while not os.listdir(folder):
            assert process.poll() is None
            time.sleep(0.01)
        ended = ended_by(process, signal.SIGTERM)
    assert ended == (143, b"", "")
    assert os.listdir(folder) == []


def at_place(number: int, module: str = "threading") -> subprocess.CompletedProcess[bytes]:
    """A run to which a signal comes at one place of a module; it hangs where a lock is left behind."""
    command = [sys.executable, signalled.__file__, module, str(number), "explain", "--lines", "-o", "new.json"]
    return subprocess.run(command, input=b"a line\n", capture_output=True, env=surroundings(), timeout=30, check=False)


@pytest.mark.slow
def test_a_signal_at_any_place_where_python_begins_and_ends_threads_ends_the_run(folder):
    places, codes = int(at_place(0).stderr.split()[-1]), Counter()
    for number in range(1, places + 1):
        ended = at_place(number)
        codes[ended.returncode] += 1
        assert (ended.returncode, ended.stderr) in ((143, b""), (0, b"")), number  # 0: the run was over
        assert set(os.listdir(folder)) <= {"new.json"}
    assert places > 50
    assert codes[143] > codes[0]


def test_a_shell_sees_143():
    line = 'timeout --signal=TERM 0.5 "$@" >/dev/null 2>&1; sh -c "exit $?"; echo $?'
    assert (
        program("explain", "--lines", shell=f"sleep 1 | {line.replace('timeout', 'timeout --preserve-status')}").text
        == "143\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [WRITERS["csv"], WRITERS["png"], WRITERS["html"]], ids=["csv", "png", "html"])
def test_a_whole_program_is_terminated_at_any_moment_from_its_start_on(folder, arguments):
    moments = random.Random(0)
    for _ in range(8):
        with started(*arguments) as process:
            time.sleep(moments.uniform(0, 0.6))
            process.send_signal(signal.SIGTERM)
            stdout, stderr = process.communicate(timeout=30)
        assert process.returncode in (0, 143, -signal.SIGTERM)
        assert stderr == b""
        assert stdout in (b"", f"{arguments[-1]}\n".encode())
        assert set(os.listdir(folder)) <= {arguments[-1]}
