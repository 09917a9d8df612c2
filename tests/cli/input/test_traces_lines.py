"""--lines: every line is a text of its own, and its result is written before the next line is read."""

from __future__ import annotations

import json
import select

import pytest
from command_line import attnviz, done, problem, started

LINES = ("explain", "--lines")


def objects(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_every_line_gives_one_line_of_json():
    result = done(*LINES, "--format", "json", stdin="Your journey\nKhông có\n注意力\n".encode())
    assert [one["tokens"] for one in objects(result)] == [["Your", "journey"], ["Không", "có"], ["注意力"]]


def test_a_line_gives_what_its_text_alone_gives():
    together = done(*LINES, "--format", "json", "--heads", 2, "--causal", stdin=b"one step\nYour journey starts\n")
    alone = [
        done("explain", text, "--format", "json", "--heads", 2, "--causal")
        for text in ("one step", "Your journey starts")
    ]
    assert together.stdout == b"".join(result.stdout for result in alone)


def test_the_last_line_needs_no_line_end_and_windows_ends_are_none():
    assert [one["tokens"] for one in objects(done(*LINES, "--format", "json", stdin=b"a\r\nb"))] == [["a"], ["b"]]


def test_lines_of_a_file_and_of_an_argument(folder):
    (folder / "lines.txt").write_text("a b\nc\n")
    from_file = done(*LINES, "--format", "json", "--file", "lines.txt")
    assert from_file == done(*LINES, "--format", "json", "a b\nc")
    assert [one["tokens"] for one in objects(from_file)] == [["a", "b"], ["c"]]


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb\r\n", "a\u2028b\x0cc\x85d\ne", "a\rb"], ids=ascii)
def test_lines_end_at_the_same_places_wherever_they_come_from(folder, text):
    (folder / "lines.txt").write_bytes(text.encode())
    runs = [
        objects(attnviz(*LINES, "--format", "json", "--tokenizer", "whitespace", *source, stdin=stdin))
        for source, stdin in (((text,), None), (("--file", "lines.txt"), None), ((), text.encode()))
    ]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize("form", ["json", "csv", "markdown", "table"])
@pytest.mark.some(2)
def test_a_line_is_answered_before_the_next_is_written(form):
    with started(*LINES, "--format", form) as process:
        for word in (b"first", b"second", b"third"):
            process.stdin.write(word + b"\n")
            seen = b""
            while word not in seen:
                assert select.select([process.stdout], [], [], 20)[0], f"no answer to {word!r}"
                piece = process.stdout.read(65536)
                assert piece, "it has ended"
                seen += piece
        _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr) == (0, b"")


@pytest.mark.parametrize(
    ("content", "notice"),
    [
        (b"a\n\nb\n", "attnviz: 1 blank line skipped\n"),
        (b"\na\n \t\n\r\nb\n\n", "attnviz: 4 blank lines skipped\n"),
    ],
)
def test_blank_lines_are_skipped_with_one_notice(content, notice):
    result = attnviz(*LINES, "--format", "json", stdin=content)
    assert (result.code, result.stderr) == (0, notice)
    assert [one["tokens"] for one in objects(result)] == [["a"], ["b"]]


def test_the_csv_has_one_header_and_the_number_of_each_line():
    rows = [row.split(",") for row in attnviz(*LINES, "--format", "csv", "--step", "scores", stdin=b"a\n\nb\n").lines]
    assert rows[0][:2] == ["line", "layer"]
    assert [row[0] for row in rows[1:]] == ["1", "3"]


@pytest.mark.parametrize(
    ("options", "good", "bad"),
    [
        ((), b"a", b"b\xff"),
        ((), b"a", b"b\0"),
        (("--embeddings", "own.json"), b"a", b"b"),
        (("--query", "a"), b"a", b"b"),
        (("--query", "a"), b"a", b"a a"),
        (("--key", "1"), b"a b", b"b"),
    ],
)
def test_a_bad_line_is_named_by_its_number_after_the_lines_before_it(folder, options, good, bad):
    (folder / "own.json").write_text('{"a": [1, 2]}')
    result = attnviz(*LINES, "--format", "csv", *options, stdin=b"\n".join([good, b"", good, bad, good]))
    assert result.code == 1
    assert {row.split(",")[0] for row in result.lines[1:]} == {"1", "3"}
    assert "line 4" in result.stderr.splitlines()[0]


def test_no_line_at_all_is_an_error():
    assert problem(attnviz(*LINES, stdin=b""), 1) == "standard input is empty"


def test_an_empty_argument_is_an_error():
    problem(attnviz(*LINES, ""), 1)


def test_blank_lines_alone_are_an_error():
    problem(attnviz(*LINES, stdin=b"\n \n"), 1)


def test_one_notice_says_that_the_sample_is_shown():
    result = attnviz(*LINES, "--format", "json")
    assert result.stderr.count("\n") == 1
    assert len(objects(result)) == 1
