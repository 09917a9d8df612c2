"""Every target runs, and what does what none may do is found, made small and kept."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import time
import warnings
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import fuzzing
import pytest
from fuzzing import FOLDER, fuzz, mutated, targets, tried
from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz.errors import AttnvizError

main = importlib.import_module("tests.fuzz.__main__")

READERS = ["corpus", "csv", "dump", "json", "metadata", "npy", "npz", "safetensors", "stats"]


def planted(check: Any, cases: st.SearchStrategy[Any] = st.integers(0, 99), **more: Any) -> ModuleType:  # noqa: B008
    module = ModuleType("tests.fuzz.planted")
    vars(module).update(CASES=cases, check=check, **more)
    return module


def test_there_is_a_target_for_each_reader():
    assert set(READERS) <= set(targets())


def test_each_field_of_a_saved_trace_is_damaged():
    from attnviz.trace import schema

    record = fuzzing.target("metadata").RECORD
    assert set(record) == set(schema.RECORD.fields)
    assert set(record["generation"]) == set(schema.GENERATION.fields)
    assert set(record["layers"][0]) == set(schema.LAYER.fields)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_target_tries_inputs(name):
    report = fuzz(fuzzing.target(name), 0.2, most=5)
    assert report.error is None
    assert report.inputs >= 1
    assert report.outcomes.total() == report.inputs


@pytest.mark.slow
@pytest.mark.parametrize("name", targets())
def test_a_target_finds_nothing_in_a_second_or_two(name):
    target = fuzzing.target(name)
    fuzz(target, 0.1)  # what it imports takes seconds
    report = fuzz(target, 2.0)
    assert report.error is None, report.failure
    assert len(report.outcomes) > 1


def raises(error: BaseException) -> None:
    raise error


def leaks(_: int) -> None:
    KEPT.append(os.open(os.devnull, os.O_RDONLY))


KEPT: list[int] = []
FAULTS = {
    "another error": (lambda _: raises(KeyError("a")), "'a'"),
    "two lines": (lambda _: raises(AttnvizError("a\nb")), "a message that is no plain line"),
    "a control character": (lambda _: raises(AttnvizError("a", "\x1b")), "a message that is no plain line"),
    "no message": (lambda _: raises(AttnvizError("")), "a message that is no plain line"),
    "a warning": (lambda _: warnings.warn("beware", stacklevel=2), "beware"),
    "a file left open": (leaks, "a file is left open"),
    "a file that nobody named": (lambda _: Path("/root/secret").exists() or open("/root/secret"), "it reads /root/secret"),  # noqa: SIM115
    "a file written": (lambda _: open(FOLDER / "nowhere" / "x", "w"), "it writes"),  # noqa: SIM115
    "a program": (lambda _: subprocess.run(["true"], check=True), "subprocess.Popen"),
    "a connection": (lambda _: socket.socket().connect(("127.0.0.1", 9)), "socket.connect"),
    "memory": (lambda _: bytearray(300 << 20), "MiB of memory"),
    "time": (lambda _: time.sleep(60), "more than 0.2 s"),
    "time that errors are caught in": (lambda _: [swallowed(number) for number in range(9)], "more than 0.2 s"),
}  # fmt: skip


def swallowed(_: int) -> None:
    with suppress(Exception):
        time.sleep(10)


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.some(4)
def test_a_planted_fault_is_found(monkeypatch, kind):
    monkeypatch.setattr(fuzzing, "MOST", 50 << 20)
    if kind.startswith("time"):
        monkeypatch.setattr(fuzzing, "LONGEST", 0.2)
    check, words = FAULTS[kind]
    with pytest.raises(Exception) as error:  # noqa: PT011  (whatever the check raises)
        tried(planted(check), 1)
    assert words in str(error.value)
    while KEPT:
        os.close(KEPT.pop())


def test_what_a_target_allows_is_no_fault():
    module = planted(lambda _: subprocess.run(["true"], check=True), ALLOWED=("subprocess.Popen",))
    assert tried(module, 1) == "read"


def check_of_a_number(case: int) -> None:
    if case % 3 == 0:
        raise AttnvizError(f"/tmp/own.npz: it is {case}, divisible by 3")
    assert case < 40


def test_the_smallest_input_that_fails_is_found_and_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(main, "target", lambda _: planted(check_of_a_number))
    monkeypatch.setattr(main, "targets", lambda: ["planted"])
    assert main.main(["planted", "--seconds", "5", "--corpus", str(tmp_path)]) == 1
    assert (tmp_path / "fuzz-planted-failure.txt").read_text() == "40"
    printed = capsys.readouterr().out
    assert "kinds of outcomes" in printed
    assert "…: it is # divisible by #" in printed or "… it is # divisible by #" in printed
    again = fuzz(planted(check_of_a_number), 5, tmp_path)  # the corpus has it
    assert again.failure == 40


def test_bytes_are_kept_as_they_are(tmp_path):
    report = fuzzing.Report(failure=b"\xff\0")
    assert main.kept("npz", report, tmp_path).read_bytes() == b"\xff\0"


def test_all_targets_are_tried_and_one_that_fails_is_told(monkeypatch, capfd):
    ended = {"npz": 0, "csv": 1}
    monkeypatch.setattr(main, "targets", lambda: list(ended))
    monkeypatch.setattr(
        main.subprocess,
        "run",
        lambda words, **_: subprocess.CompletedProcess(words, ended[words[3]], f"of {words[3]}\n", "its traceback\n"),
    )
    assert main.main(["all", "--seconds", "1", "--jobs", "2", "--corpus", "here"]) == 1
    assert capfd.readouterr().out == "of npz\nof csv\nits traceback\n"
    ended["csv"] = 0
    assert main.main(["all"]) == 0


def test_mutations_change_bytes_numbers_and_lengths():
    found = set()

    @settings(max_examples=60, database=None)
    @given(content=mutated(b"abc 123"))
    def collect(content: bytes) -> None:
        found.add(content)

    collect()
    assert b"abc 123" in found
    assert {len(content) for content in found} > {0, 6, 7, 8}
