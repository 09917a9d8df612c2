"""Where the text comes from: TEXT, --file, --from, a pipe or a file on standard input, the sample."""

from __future__ import annotations

import json
import select
import threading
import time
from pathlib import Path

import numpy
import pytest
from command_line import SAMPLE, Result, attnviz, done, problem, program, started

NOTICE = f'attnviz: no text given, so here is a sample: "{SAMPLE}"\n'
WAITING = "attnviz: waiting for a text on standard input"
JSON = ("--format", "json")


def tokens(result: Result) -> list[str]:
    return json.loads(result.stdout)["tokens"]


@pytest.fixture
def files(folder: Path) -> Path:
    """A folder with a text and with arrays."""
    (folder / "words.txt").write_text("from file\n")
    numpy.savez(folder / "arrays.npz", **dict.fromkeys(("query", "key", "value"), numpy.eye(2)))
    return folder


def test_an_argument_comes_before_standard_input():
    assert tokens(done("explain", "from argument", *JSON, stdin=b"from pipe")) == ["from", "argument"]


@pytest.mark.usefixtures("files")
def test_a_file_comes_before_standard_input():
    assert tokens(done("explain", "--file", "words.txt", *JSON, stdin=b"from pipe")) == ["from", "file"]


@pytest.mark.usefixtures("files")
def test_arrays_come_before_standard_input():
    assert tokens(done("explain", "--from", "arrays.npz", *JSON, stdin=b"from pipe")) == ["0", "1"]


@pytest.mark.parametrize("arguments", [(), ("--file", "-"), ("-f", "-")])
def test_standard_input_is_read_when_it_is_a_file(arguments):
    assert tokens(done("explain", *arguments, *JSON, stdin=b"from pipe")) == ["from", "pipe"]


def test_standard_input_is_read_when_it_is_a_pipe():
    result = program("explain", *JSON, stdin=b"from pipe")
    assert tokens(result) == ["from", "pipe"]
    assert result.stderr == ""


def test_standard_input_is_one_text():
    assert tokens(done("explain", *JSON, stdin=b"one\ntwo\n\nthree\n")) == ["one", "two", "three"]


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_text():
    assert tokens(done("explain", *JSON, stdin=b"\xef\xbb\xbfone\r\ntwo\r\n")) == ["one", "two"]


def test_heatmap_reads_standard_input_too():
    assert "“from pipe”" in done("heatmap", "--format", "term", stdin=b"from pipe").text


def test_without_any_text_there_is_the_sample_and_a_notice():
    result = attnviz("explain", *JSON)
    assert (result.code, result.stderr) == (0, NOTICE)
    assert tokens(result) == SAMPLE.split()


def test_a_closed_standard_input_gives_the_sample():
    result = program("explain", *JSON, shell='exec "$@" <&-')
    assert (result.code, result.stderr) == (0, NOTICE)
    assert tokens(result) == SAMPLE.split()


@pytest.mark.parametrize("command", ["explain", "heatmap"])
@pytest.mark.parametrize("content", [b"", b" \n\t\n"])
def test_an_empty_standard_input_is_an_error_and_never_the_sample(command, content):
    assert "sample" not in problem(attnviz(command, stdin=content), 1)


def test_an_empty_pipe_is_an_error_and_never_the_sample():
    assert problem(program("explain", stdin=b""), 1) == "standard input is empty"


def test_an_empty_file_is_an_error_and_never_the_sample(folder):
    (folder / "empty.txt").touch()
    assert problem(attnviz("explain", "--file", "empty.txt"), 1) == "empty.txt is empty"


def test_standard_input_that_is_asked_for_is_never_replaced_by_the_sample():
    assert problem(attnviz("explain", "--file", "-"), 1) == "standard input is empty"


def test_a_closed_standard_input_that_is_asked_for_is_an_error():
    assert problem(program("explain", "--file", "-", shell='exec "$@" <&-'), 1) == "standard input is closed"


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", ["explain", "heatmap"])
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("text", "--file", "words.txt"), "TEXT and --file"),
        (("text", "--file", "-"), "TEXT and --file"),
        (("text", "--from", "arrays.npz"), "TEXT and --from"),
        (("--file", "words.txt", "--from", "arrays.npz"), "--file and --from"),
        (("", "--file", "words.txt"), "TEXT and --file"),
    ],
)
def test_two_sources_at_once_are_wrong_usage(command, arguments, named):
    assert named in problem(attnviz(command, *arguments), 2)


def test_two_sources_of_lines_at_once_are_wrong_usage():
    assert "TEXT and --file" in problem(attnviz("explain", "--lines", "text", "--file", "words.txt"), 2)


def test_an_interruption_before_anything_is_read_leaves_no_notice_behind(monkeypatch):
    start = threading.Timer.start

    def interrupted(timer: threading.Timer) -> None:
        start(timer)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Timer, "start", interrupted)
    threads = threading.active_count()
    assert attnviz("explain", stdin=b"a") == Result(130, b"", "")
    assert threading.active_count() == threads


def test_a_silent_pipe_is_spoken_of_after_a_second_and_still_read():
    with started("explain", *JSON) as process:
        begin = time.monotonic()
        assert select.select([process.stderr], [], [], 10)[0]
        waited = time.monotonic() - begin
        assert process.stderr.readline().decode().startswith(WAITING)
        stdout, stderr = process.communicate(b"late text", timeout=30)
    assert 0.9 < waited < 5
    assert (process.returncode, stderr) == (0, b"")
    assert tokens(Result(0, stdout, "")) == ["late", "text"]
