"""Which texts the options mean, where they are many, and how many these are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from command_line import SAMPLE, attnviz, done, problem

from attnviz.cli.input.corpus import Corpus, are_many
from attnviz.cli.options.source import LinesOptions, SourcesOptions
from attnviz.errors import AttnvizError, UsageError
from attnviz.sources.texts.corpus import CorpusText, Unread

ROWS = '{"text": "one", "body": "two"}\n'


def corpus(source: dict[str, object], **lines: object) -> Corpus:
    return Corpus(SourcesOptions(**source), LinesOptions(**{"lines": True} | lines))


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ({"text": "a\n\nb c\n"}, 2),
        ({"text": "-"}, None),
        ({"file": [Path("-")]}, None),
        ({"file": [Path("lines.txt")]}, 3),
        ({"file": [Path("lines.txt"), Path("more.txt")]}, 6),
        ({"file": [Path("none.txt")]}, None),
        ({}, None),
    ],
)
def test_how_many_texts_there_will_be_is_known_of_texts_and_files(folder, source, count):
    for name in ("lines.txt", "more.txt"):
        (folder / name).write_bytes(b"\xef\xbb\xbfa\n \nb\n\xff\n")
    assert corpus(source).total == count


def test_without_any_text_there_is_the_sample(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert [one.text for one in corpus({})] == [SAMPLE]
    with pytest.raises(AttnvizError, match="standard input is closed"):
        list(corpus({"text": "-"}))


def test_an_empty_file_has_no_lines(folder):
    (folder / "empty.txt").touch()
    with pytest.raises(AttnvizError, match=r"empty\.txt is empty"):
        list(corpus({"file": [Path("empty.txt")]}))


def test_a_field_makes_rows_of_what_is_written_out():
    assert [one.text for one in corpus({"text": ROWS}, lines=False, field="body")] == ["two"]
    result = done("explain", "--field", "body", "--format", "csv", stdin=ROWS.encode())
    assert b"two" in result.stdout


def test_standard_input_goes_with_no_files():
    with pytest.raises(UsageError, match="standard input and files: which is meant"):
        list(corpus({"file": [Path("-"), Path("a.txt")]}))


@pytest.mark.parametrize(
    ("source", "lines", "many"),
    [
        ({}, {}, False),
        ({"text": "a"}, {"lines": True}, True),
        ({"text": "a"}, {"field": "text"}, True),
        ({"file": [Path("a.txt")]}, {}, False),
        ({"file": [Path("a.jsonl")]}, {}, True),
        ({"file": [Path("a.parquet")]}, {}, True),
        ({"file": [Path("*.txt")]}, {}, True),
        ({"file": [Path("a.txt"), Path("b.txt")]}, {}, True),
    ],
)
@pytest.mark.usefixtures("folder")
def test_lines_rows_and_several_files_are_many_texts(source, lines, many):
    assert are_many(SourcesOptions(**source), LinesOptions(**lines)) is many


def test_a_pipe_is_asked_whether_its_next_line_has_come(folder):
    os.mkfifo(folder / "pipe")
    writing = os.open("pipe", os.O_RDWR)
    os.write(writing, b"one\ntwo\n")
    texts = corpus({"file": [Path("pipe")]})
    assert texts.is_there()
    read = iter(texts)
    assert next(read).text == "one"
    assert texts.is_there()
    assert next(read).text == "two"
    assert not texts.is_there()
    read.close()
    os.close(writing)


def test_rows_and_files_are_read_by_the_commands(folder):
    (folder / "a.jsonl").write_text(ROWS + "{}\n")
    (folder / "b.txt").write_text("three\n")
    assert "texts: 1" in done("stats", "--file", "b.txt", "--lines").text
    both = attnviz("stats", "--file", "a.jsonl", "-f", "b.txt")
    assert both.lines[0].startswith("texts: 2 ")
    assert both.stderr == "attnviz: a.jsonl:2 skipped: it has no field text\n"
    assert attnviz("stats", "--file", "*.txt", "--lines").lines[0].startswith("texts: 1")
    assert problem(attnviz("stats", "--file", "*.csv"), 1) == "no file matches *.csv"
    result = attnviz("stats", "--file", "a.jsonl", "--field", "none")
    assert result.code == 1
    assert "attnviz: line 1: it has no field none, but text, body\n" in result.stderr


def test_a_long_line_is_skipped_by_stats_and_ends_explain(folder, monkeypatch):
    from attnviz.sources.texts import lines

    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    (folder / "long.txt").write_bytes(b"a b\n" + b"x" * 1001)
    told = "it has 1,001 bytes, more than the 1,000 of a text"
    assert attnviz("stats", "--lines", "--file", "long.txt").stderr == f"attnviz: line 2 skipped: {told}\n"
    result = attnviz("explain", "--lines", "--file", "long.txt", "--format", "json")
    assert (result.code, len(result.lines)) == (1, 1)
    assert result.stderr.startswith(f"attnviz: line 2: {told}\n")


def test_texts_and_what_is_none_are_told_apart():
    assert [type(one) for one in corpus({"text": "a\n\nb"})] == [CorpusText, Unread, CorpusText]
