"""Where the text comes from: TEXT, --file, --from, a pipe or a file on standard input, the sample."""

from __future__ import annotations

import gzip
import json
import os
import pty
import select
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
import pytest
from array_files import three, written
from command_line import SAMPLE, Result, attnviz, done, problem, program, started

from attnviz.cli.input import text
from attnviz.cli.input.text import read_text, reads_again
from attnviz.cli.options.source import SourceOptions
from attnviz.errors import AttnvizError

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


@pytest.mark.parametrize("arguments", [(), ("--file", "-"), ("-f", "-"), ("-",)])
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


@pytest.mark.parametrize("command", ["explain", "heatmap", "html", "stats"])
def test_a_dash_for_the_text_is_standard_input_in_every_command(command):
    out = {"heatmap": ("--format", "term"), "html": ("-o", "-")}.get(command, ("--format", "json"))
    assert done(command, "-", *out, stdin=b"some piped words").stdout == done(command, "some piped words", *out).stdout


@pytest.mark.parametrize("command", ["explain", "heatmap", "html", "stats"])
def test_a_dash_is_never_replaced_by_the_sample(command):
    assert problem(attnviz(command, "-"), 1) == "standard input is empty"


def test_lines_are_read_from_a_dash_and_from_a_file(folder):
    (folder / "lines.txt").write_bytes(b"a b\r\n\nc\n")
    for source in (("-",), ("--file", "-"), ("--file", "lines.txt"), ()):
        result = attnviz("explain", "--lines", *source, *JSON, stdin=b"a b\r\n\nc\n")
        assert (result.code, result.stderr) == (0, "attnviz: 1 blank line skipped\n")
        assert [json.loads(line)["tokens"] for line in result.lines] == [["a", "b"], ["c"]]


def test_lines_may_stand_in_the_argument_or_be_the_sample():
    assert [json.loads(line)["tokens"] for line in done("explain", "--lines", "a\nb c", *JSON).lines] == [
        ["a"],
        ["b", "c"],
    ]
    assert attnviz("explain", "--lines", *JSON).stderr == NOTICE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a".encode("utf-16"), "standard input is UTF-16 text, not UTF-8"),
        ("a".encode("utf-32"), "standard input is UTF-32 text, not UTF-8"),
        (b"a\0b", "standard input is binary, not text: a zero byte at position 1"),
        (b"a\xffb", "standard input is not UTF-8 text: byte 0xff at position 1"),
    ],
)
def test_what_is_no_text_is_said(content, message):
    assert problem(attnviz("explain", "-", stdin=content), 1) == message


def test_a_closed_standard_input_is_no_text(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert read_text(SourceOptions(text=None, file=None)) == SAMPLE
    with pytest.raises(AttnvizError, match="standard input is closed"):
        read_text(SourceOptions(text="-", file=None))


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("command", ["explain", "heatmap"])
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("-", "--file", "words.txt"), "TEXT and --file"),
        (("-", "--from", "arrays.npz"), "TEXT and --from"),
        (("text", "--file", "words.txt"), "TEXT and --file"),
        (("text", "--file", "-"), "TEXT and --file"),
        (("text", "--file", "words.txt", "--from", "arrays.npz"), "TEXT and --file and --from"),
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


@pytest.mark.parametrize(
    ("arguments", "content"),
    [
        (("--file", "late"), b"late text"),
        (("--lines", "--file", "late"), b"late text"),
        (("--from", "late"), b'{"q": [[1]], "k": [[1]], "v": [[1]]}'),
    ],
)
@pytest.mark.some(2)
def test_a_silent_named_pipe_is_spoken_of_and_still_read(folder, arguments, content):
    os.mkfifo(folder / "late")
    with started("explain", *JSON, *arguments) as process:
        if not select.select([process.stderr], [], [], 10)[0]:
            process.kill()  # else the end of the block waits for it
        assert process.stderr.readline() == b"attnviz: waiting for the pipe late (Ctrl-C gives up)\n"
        (folder / "late").write_bytes(content)
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, b"")


def test_a_named_pipe_that_speaks_is_read_in_silence(folder, monkeypatch):
    monkeypatch.setattr(text, "SILENCE", 0.2)
    os.mkfifo(folder / "slow")

    def write() -> None:
        with (folder / "slow").open("wb", buffering=0) as pipe:
            pipe.write(b"slow ")
            time.sleep(0.5)
            pipe.write(b"text")

    with ThreadPoolExecutor(1) as threads:
        threads.submit(write)
        assert tokens(done("explain", "--file", "slow", *JSON)) == ["slow", "text"]


@pytest.fixture
def no_long_text(monkeypatch):
    monkeypatch.setattr(text, "LONGEST_TEXT", 1000)


@pytest.mark.usefixtures("no_long_text")
def test_a_text_and_a_line_end_somewhere(folder):
    (folder / "long.txt").write_bytes(b"a b\n" + b"x" * 1001)
    assert "holds more than the 0 MiB" in problem(attnviz("explain", "--file", "long.txt"), 1)
    assert "standard input holds more than" in problem(attnviz("explain", stdin=b"x" * 1001), 1)


def test_a_text_that_is_compressed_is_read(folder):
    (folder / "a.txt.gz").write_bytes(gzip.compress(b"from far away"))
    assert tokens(done("explain", "--file", "a.txt.gz", *JSON)) == ["from", "far", "away"]
    (folder / "b.txt.gz").write_bytes(gzip.compress(b"from far away")[:-3])
    assert (
        problem(attnviz("explain", "--file", "b.txt.gz"), 1) == "b.txt.gz ends in the middle: the rest of it is missing"
    )


@pytest.mark.parametrize("lines", [(), ("--lines",)])
@pytest.mark.parametrize("name", ["/dev/zero", "link.txt"])
def test_a_device_that_never_ends_is_no_text(folder, lines, name):
    (folder / "link.txt").symlink_to("/dev/zero")
    assert problem(attnviz("explain", *lines, "--file", name), 1) == f"{name} is a device, which may never end"


@pytest.mark.parametrize("command", [("explain", *JSON), ("stats", *JSON)])
def test_lines_come_through_a_pipe_that_is_not_counted_before(folder, command):
    os.mkfifo(folder / "pipe")
    with ThreadPoolExecutor(1) as threads:
        threads.submit((folder / "pipe").write_bytes, b"a b\nc d\n")
        piped = done(*command, "--lines", "--file", "pipe")
    assert piped == done(*command, "--lines", stdin=b"a b\nc d\n")


def test_a_text_comes_through_a_pipe(folder):
    os.mkfifo(folder / "pipe")
    with ThreadPoolExecutor(1) as threads:
        threads.submit((folder / "pipe").write_bytes, b"from pipe")
        assert tokens(done("explain", "--file", "pipe", *JSON)) == ["from", "pipe"]


@pytest.mark.parametrize("suffix", ["npz", "safetensors", "json"])
def test_arrays_come_from_standard_input(folder, suffix):
    content = written(folder / f"own.{suffix}", three()).read_bytes()
    for look in (("explain", *JSON), ("heatmap", "--format", "term"), ("stats", *JSON), ("html", "-o", "-")):
        assert attnviz(*look, "--from", "-", stdin=content).code == 0
    assert json.loads(done("explain", "--from", "-", *JSON, stdin=content).stdout)["source"]["file"] == "standard input"


def test_a_saved_trace_comes_from_standard_input(folder):
    done("explain", "from a trace", "-o", "t.safetensors")
    content = (folder / "t.safetensors").read_bytes()
    direct = done("explain", "--from", "t.safetensors", *JSON)
    assert done("explain", "--from", "-", *JSON, stdin=content) == direct
    for shell in (
        'cat t.safetensors | "$@" --from -',
        '"$@" --from /dev/stdin < t.safetensors',
        'cat t.safetensors | "$@" --from /dev/stdin',
    ):
        assert program("explain", *JSON, shell=shell) == direct


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "standard input is empty"),
        (b"words", "standard input: arrays are read from .npz, .safetensors, .json, .npy"),
        (
            b"{",
            "standard input is not readable JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        (b"PK\x03\x04", "standard input is not a readable .npz file: File is not a zip file"),
        (b"\x80\x05", "standard input is a pickle, which can run any code when it is loaded: it is not read"),
    ],
    ids=range(5),
)
def test_what_is_wrong_with_arrays_from_standard_input_names_it(content, message):
    assert problem(attnviz("explain", "--from", "-", stdin=content), 1) == message


def test_arrays_from_a_closed_standard_input():
    result = program("explain", "--from", "-", shell='exec "$@" <&-')
    assert problem(result, 1) == "standard input is closed"
    assert "send it a trace or arrays" in result.stderr


@pytest.mark.parametrize("words", [("-",), ("--file", "-")])
def test_arrays_from_standard_input_and_a_text_are_wrong_usage(words):
    assert "are both given" in problem(attnviz("explain", *words, "--from", "-", stdin=b""), 2)


@pytest.mark.parametrize(
    ("words", "what"), [(("--from", "-"), "a trace or arrays"), (("-",), "a text"), (("-", "--lines"), "a text")]
)
@pytest.mark.parametrize("typed", [b"", b"{\n"])
@pytest.mark.some(2)
def test_a_terminal_is_told_what_is_waited_for_and_ends_it_with_one_ctrl_d(words, what, typed):
    ours, its = pty.openpty()
    with started("explain", *words, *JSON, stdin=its, start_new_session=True) as process:
        assert process.stderr.readline().decode().startswith(f"attnviz: waiting for {what} on standard input")
        os.write(ours, typed + b"\x04")
        _, stderr = process.communicate(timeout=30)
    os.close(ours)
    os.close(its)
    if not typed:
        assert stderr.splitlines()[:1] == [b"attnviz: standard input is empty"]
    assert process.returncode == (1 if not typed or what != "a text" else 0)


# What a command reads once more


@pytest.mark.parametrize(
    ("source", "again"),
    [
        (SourceOptions(text="a b"), True),
        (SourceOptions(text="-"), False),
        (SourceOptions(file=Path("words.txt")), True),
        (SourceOptions(file=Path("-")), False),
        (SourceOptions(from_=Path("arrays.npz")), True),
        (SourceOptions(from_=Path("/dev/stdin")), False),
        (SourceOptions(), True),  # the sample
    ],
)
@pytest.mark.usefixtures("files")
def test_a_text_and_a_file_are_read_again_and_a_stream_is_not(monkeypatch, source, again):
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert reads_again(source) is again


def test_a_pipe_on_standard_input_is_not_read_again_unless_a_text_is_given(monkeypatch):
    readable, writable = os.pipe()
    with open(readable) as stdin, open(writable, "w"):
        monkeypatch.setattr(sys, "stdin", stdin)
        assert not reads_again(SourceOptions())
        assert reads_again(SourceOptions(text="a b"))
