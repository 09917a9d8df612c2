"""Ctrl-C and SIGTERM while workers measure a corpus, and the run itself killed: nothing that is finished is lost."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from command_line import PROGRAM
from corpora import corpus

pytestmark = pytest.mark.slow  # each starts a program and its workers

COMMAND = (*PROGRAM, "stats", "--lines", "--file", "texts.txt", "--model", "tiny", "--layer", "0", "--format", "csv")
WORKERS = ("--workers", "2", "--state", "s", "--shard-size", "4")
SHARDS = 60


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_what_is_finished_is_kept_and_the_rest_alone_is_done_next(number, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("texts.txt").write_text("".join(f"{text.text}\n" for text in corpus(4 * SHARDS)))
    run = subprocess.Popen([*COMMAND, *WORKERS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    while len(kept()) < 3:
        assert time.monotonic() < end
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(number)
    out, said = run.communicate(timeout=60)
    assert run.returncode == code
    before = kept()
    assert 3 <= len(before) < SHARDS
    if code > 0:
        assert f"interrupted after {4 * len(before)} of {4 * SHARDS} texts" in said
        assert out.startswith("layer,")
    again = subprocess.run([*COMMAND, *WORKERS], capture_output=True, text=True, check=True)
    assert f"{len(before)} of {SHARDS} shards had been finished before" in again.stderr
    assert len(kept()) == SHARDS


def kept():
    return list(Path("s").glob("*.stats"))
