"""A trace of each text in a folder: whole or not at all, numbered as the lines are, and what is wrong with the folder."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
from command_line import attnviz, ended_by, problem, started
from numpy.testing import assert_array_equal
from tiny_models import saved

from attnviz import load

CAPTURE = ("capture", "--model", "tiny")
LINES = "the dog\n\nthe cat near the tree\n"


def run(*words: object) -> None:
    assert attnviz(*words).code == 0


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_line_is_a_file_by_its_number(folder):
    result = attnviz(*CAPTURE, "--lines", LINES, "-o", "traces")
    assert (result.code, result.text) == (0, "traces\n")
    assert names(folder / "traces") == ["000001.safetensors", "000003.safetensors"]
    assert load("traces/000003.safetensors").tokens == ("the", "cat", "near", "the", "tree")
    assert result.stderr == (
        "attnviz: 1 blank line skipped\nattnviz: traces: tiny, recomputed with no difference from its own outputs\n"
    )


def test_a_file_holds_what_capture_of_that_text_alone_holds(folder, tmp_path_factory):
    model = saved("Llama", tmp_path_factory.mktemp("llama"))
    texts = ["the dog and the cat", "one", "a b a b"]
    (folder / "t.txt").write_text("\n".join(texts))
    run("capture", "--model", model, "--lines", "-f", "t.txt", "-o", "all", "--batch", 3, "--layer", 1)
    for number, text in enumerate(texts, start=1):
        run("capture", text, "--model", model, "-o", "one.safetensors", "--layer", 1)
        [mine], [its] = load(f"all/{number:06d}.safetensors").layers, load("one.safetensors").layers
        assert mine.query.shape == its.query.shape
        assert abs(mine.query - its.query).max() < 1e-5


def test_without_output_projections_none_is_kept():
    run(*CAPTURE, "--lines", LINES, "-o", "plain", "--no-output-projection")
    run(*CAPTURE, "--lines", LINES, "-o", "whole")
    plain, whole = (load(f"{name}/000001.safetensors").layers[0] for name in ("plain", "whole"))
    assert ("output" in plain.projections, "output" in whole.projections) == (False, True)
    assert_array_equal(plain.query, whole.query)


@pytest.mark.parametrize("output", [(), ("-o", "-"), ("-o", "t.safetensors")])
def test_many_traces_go_to_a_folder(output):
    assert "many traces are saved to a folder" in problem(attnviz(*CAPTURE, "--lines", LINES, *output), 2)


def test_a_folder_with_something_in_it_is_left_alone(folder):
    (folder / "full").mkdir()
    (folder / "full" / "000001.safetensors").write_text("mine")
    (folder / "file").touch()
    (folder / "empty").mkdir()
    assert problem(attnviz(*CAPTURE, "--lines", LINES, "-o", "full"), 1) == "full is not empty"
    assert problem(attnviz(*CAPTURE, "--lines", LINES, "-o", "file"), 1) == "file is a file, not a folder"
    assert (folder / "full" / "000001.safetensors").read_text() == "mine"
    assert attnviz(*CAPTURE, "--lines", LINES, "-o", "empty").code == 0


def test_what_cannot_be_read_makes_no_folder(folder):
    result = attnviz(*CAPTURE, "--lines", "the dog and the cat", "--max-length", 2, "-o", "traces")
    assert result.code == 1
    assert "line 1: the text has 5 tokens, more than the 2 that are asked for" in result.stderr
    assert names(folder) == []


def test_a_disk_that_is_full_ends_the_run_and_keeps_what_is_whole(folder):
    run(*CAPTURE, "the dog", "-o", "one.safetensors")
    most = (folder / "one.safetensors").stat().st_size + 100
    with started(*CAPTURE, "--lines", "-o", "traces") as process:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
        _, stderr = process.communicate(b"the dog\n" + b"the dog " * 50 + b"\nthe cat\n", timeout=60)
    assert process.returncode == 1
    assert b"file too large" in stderr.lower()
    assert [name for name in names(folder / "traces") if not name.startswith(".")] == ["000001.safetensors"]


def test_what_is_saved_when_the_run_is_interrupted_is_counted(folder, monkeypatch):
    """Ctrl-C behind the very rename."""
    replace = os.replace

    def interrupted(one, other):
        replace(one, other)
        if str(other).endswith("000001.safetensors"):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(os, "replace", interrupted)
    result = attnviz(*CAPTURE, "--lines", "the dog\nthe cat\n", "-o", "traces")
    assert (result.code, result.text) == (130, "traces\n")
    assert result.stderr.endswith("attnviz: interrupted after 1 of 2 texts\n")
    assert names(folder / "traces") == ["000001.safetensors"]


def test_an_interrupted_run_keeps_what_is_done(folder):
    with started(*CAPTURE, "--lines", "-o", "traces") as process:
        process.stdin.write(b"the dog\nthe cat\n")
        process.stdin.flush()
        while not (folder / "traces" / "000002.safetensors").exists():
            assert process.poll() is None
        ended = ended_by(process, signal.SIGINT)
    assert (ended.code, ended.stdout) == (130, b"traces\n")
    assert ended.stderr.endswith("attnviz: interrupted after 2 texts\n")
    assert names(folder / "traces") == ["000001.safetensors", "000002.safetensors"]
