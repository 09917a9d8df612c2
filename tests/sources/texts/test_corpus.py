"""A corpus is read as a stream: each row a text or told, in one file or in many."""

from __future__ import annotations

import os
import tracemalloc
from itertools import islice
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from attnviz.errors import AttnvizError
from attnviz.sources.texts import corpus, lines
from attnviz.sources.texts.corpus import CorpusText, Unread, lines_of, read_texts, text_count, whole_text

LINES = b"\xef\xbb\xbfa b\r\n\nc\xff\nd\n"
ROWS = b'{"text": "one"}\n\n{"other": 1}\n{"text": "two", "body": "2"}\n'


@pytest.fixture
def files(folder: Path) -> Path:
    (folder / "a.txt").write_bytes(LINES)
    (folder / "b.jsonl").write_bytes(ROWS)
    parquet.write_table(pyarrow.table({"text": ["x", None, "", "y"]}), folder / "c.parquet")
    return folder


def told(texts: object) -> list[tuple[object, ...]]:
    """Of each text its number, name and text; of what is none what is wrong with it."""
    return [(one.number, str(one.name), getattr(one, "text", None) or str(one.error)) for one in texts]


@pytest.mark.usefixtures("files")
def test_each_line_is_a_text_or_told():
    assert told(read_texts(["a.txt"])) == [
        (1, "line 1", "a b"),
        (2, "line 2", "it holds no word"),
        (3, "line 3", "the line is not UTF-8 text: byte 0xff at position 1"),
        (4, "line 4", "d"),
    ]
    assert [one.blank for one in read_texts(["a.txt"]) if isinstance(one, Unread)] == [True, False]


@pytest.mark.usefixtures("files")
def test_each_row_of_json_is_a_text_whether_lines_are_asked_for_or_not():
    expected = [
        (1, "line 1", "one"),
        (2, "line 2", "it holds no word"),
        (3, "line 3", "it has no field text, but other"),
        (4, "line 4", "two"),
    ]
    assert told(read_texts(["b.jsonl"])) == told(read_texts(["b.jsonl"], lines=False)) == expected
    assert told(read_texts(["b.jsonl"], field="body"))[-1] == (4, "line 4", "2")


def test_a_field_makes_rows_of_json_of_any_file(folder):
    (folder / "rows.txt").write_bytes(ROWS)
    for by_lines in (True, False):
        assert told(read_texts(["rows.txt"], lines=by_lines, field="body"))[-1] == (4, "line 4", "2")


def test_a_name_that_is_no_text_is_shown_as_one(folder):
    path = os.fsdecode(os.fsencode(folder) + b"/\xff.txt")
    Path(path).write_text("a\n")
    (folder / "b.txt").write_text("b\n")
    one, other = read_texts([path, "b.txt"])
    assert (one.name.encode(), one.text, other.number) == (one.name.encode(), "a", 2)


@pytest.mark.usefixtures("files")
def test_each_row_of_parquet_is_a_text():
    assert told(read_texts(["c.parquet"])) == [
        (1, "row 1", "x"),
        (2, "row 2", "its field text is empty"),
        (3, "row 3", "it holds no word"),
        (4, "row 4", "y"),
    ]


@pytest.mark.usefixtures("files")
def test_several_files_follow_each_other_and_are_named():
    found = [one for one in read_texts(["*.jsonl", "a.txt", Path("c.parquet")]) if isinstance(one, CorpusText)]
    assert [(one.number, one.name) for one in found] == [
        (1, "b.jsonl:1"),
        (4, "b.jsonl:4"),
        (5, "a.txt:1"),
        (8, "a.txt:4"),
        (9, "c.parquet:1"),
        (12, "c.parquet:4"),
    ]


def test_without_lines_each_text_file_is_a_text(folder):
    for name in ("1.txt", "2.txt"):
        (folder / name).write_text(f"one\n{name}\n")
    (folder / "3.txt").touch()
    assert told(read_texts(["?.txt"], lines=False)) == [
        (1, "1.txt", "one\n1.txt\n"),
        (2, "2.txt", "one\n2.txt\n"),
        (2, "3.txt", "3.txt is empty"),
    ]


@pytest.mark.usefixtures("files")
def test_a_file_of_several_that_cannot_be_read_is_told_and_the_rest_goes_on():
    (Path() / "no.parquet").write_bytes(b"PAR1")
    found = list(read_texts(["none.txt", "no.parquet", "b.jsonl"]))
    assert [(type(one), getattr(one, "whole", None)) for one in found[:3]] == [
        (Unread, True),
        (Unread, True),
        (CorpusText, None),
    ]
    assert str(found[0].error) == "none.txt does not exist"
    assert "no.parquet is not a readable .parquet file" in str(found[1].error)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.txt", None, "none.txt does not exist"),
        ("empty.txt", b"", "empty.txt is empty"),
        ("empty.jsonl", b"", "empty.jsonl is empty"),
        ("a.parquet.gz", b"x", r"a.parquet.gz is compressed twice"),
        ("none*.txt", None, r"no file matches none\*.txt"),
    ],
)
def test_the_only_file_that_cannot_be_read_is_an_error(folder, name, content, message):
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(AttnvizError, match=message):
        list(read_texts([name]))
    assert not text_count([name])


def test_a_parquet_file_without_rows_is_empty(folder):
    parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), folder / "none.parquet")
    with pytest.raises(AttnvizError, match=r"none\.parquet is empty"):
        list(read_texts(["none.parquet"]))


def test_what_is_no_text_in_a_row_of_parquet_is_told(folder, monkeypatch):
    monkeypatch.setattr(corpus, "LONGEST_LINE", 10)
    monkeypatch.setattr(lines, "LONGEST_LINE", 10)
    bad = pyarrow.array([b"a\xff", b"x" * 11, b"fine"], pyarrow.binary()).view(pyarrow.string())
    parquet.write_table(pyarrow.table({"text": bad}), folder / "bad.parquet")
    assert told(read_texts(["bad.parquet"])) == [
        (1, "row 1", "the text is not UTF-8 text: byte 0xff at position 1"),
        (2, "row 2", "it has 11 bytes, more than the 10 of a text"),
        (3, "row 3", "fine"),
    ]


@pytest.mark.usefixtures("files")
def test_how_many_texts_there_will_be_is_known_where_it_is_cheap(folder, monkeypatch):
    assert text_count(["a.txt"]) == 3
    assert text_count(["a.txt", "c.parquet"]) == 7
    assert text_count(["a.txt", "b.jsonl"], lines=False) == 4
    os.mkfifo(folder / "pipe")
    (folder / "d.txt.gz").touch()
    for name in ("pipe", "d.txt.gz", "none.txt"):
        assert text_count(["a.txt", name]) is None
    size = os.path.getsize("a.txt")
    monkeypatch.setattr(corpus, "COUNTED", size)
    assert text_count(["a.txt"]) == 3
    assert text_count(["a.txt", "a.txt"]) is None  # together they are too much to read twice
    monkeypatch.setattr(corpus, "COUNTED", size - 1)
    assert text_count(["a.txt"]) is None


def test_a_stream_is_read_line_by_line_as_it_arrives():
    readable, writable = os.pipe()
    with open(readable, "rb") as stream, open(writable, "wb", buffering=0) as pipe:
        found = lines_of(stream, "standard input")
        for word in (b"one\n", b"two\n"):
            pipe.write(word)
            assert next(found).text == word.decode().strip()


def test_a_stream_of_json_has_its_field(folder):
    (folder / "rows").write_bytes(ROWS)
    with open("rows", "rb") as stream:
        assert [one.text for one in lines_of(stream, "rows", "body") if isinstance(one, CorpusText)] == ["2"]


def test_a_whole_text_ends_somewhere(folder):
    (folder / "a.txt").write_bytes(b"12345")
    with open("a.txt", "rb") as stream, pytest.raises(AttnvizError, match=r"a\.txt holds more than"):
        whole_text(stream, "a.txt", 4)


def test_memory_does_not_grow_with_the_file(folder):
    (folder / "large.txt").write_bytes(b"some words of a line\n" * 400_000)  # 8 MB
    tracemalloc.start()
    try:
        count = sum(1 for _ in islice(read_texts(["large.txt"]), 2000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 2000
    assert peak < 1 << 20
