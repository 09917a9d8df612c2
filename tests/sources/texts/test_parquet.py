"""Texts in Parquet files: any type of text, a few rows at a time, and what is wrong with a file."""

from __future__ import annotations

import sys

import pyarrow
import pytest
from pyarrow import parquet as library

from attnviz.errors import AttnvizError
from attnviz.sources.texts.parquet import row_count, rows

TEXTS = ["a", None, "", "é"]


def read(path, field="text"):
    with open(path, "rb") as stream:
        return list(rows(stream, path, field))


@pytest.mark.parametrize(
    "kind", [pyarrow.string(), pyarrow.large_string(), pyarrow.dictionary(pyarrow.int32(), pyarrow.string())]
)
def test_texts_of_each_type(tmp_path, kind):
    path = tmp_path / "a.parquet"
    column = pyarrow.array(TEXTS, pyarrow.string()).cast(kind)
    library.write_table(pyarrow.table({"n": range(4), "text": column}), path)
    assert read(path) == [b"a", None, b"", "é".encode()]


def test_rows_of_many_groups_come_in_their_order(tmp_path):
    path = tmp_path / "a.parquet"
    words = [str(number) for number in range(1000)]
    library.write_table(pyarrow.table({"text": words}), path, row_group_size=77, compression="zstd")
    assert [content.decode() for content in read(path)] == words
    with open(path, "rb") as stream:
        assert row_count(stream, path) == 1000


def test_a_field_that_is_missing_or_holds_no_texts_is_told(tmp_path):
    path = tmp_path / "a.parquet"
    library.write_table(pyarrow.table({"n": [1], "m": [["a"]]}), path)
    with pytest.raises(AttnvizError, match=r"a\.parquet has no field text, but n, m"):
        read(path)
    with pytest.raises(AttnvizError, match=r"its field n holds int64, and not texts"):
        read(path, "n")
    with pytest.raises(AttnvizError, match=r"its field m holds list<.*>, and not texts"):
        read(path, "m")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"words that are no parquet", b"PAR1" + b"\xff" * 40 + b"PAR1"])
def test_what_is_no_parquet_is_told(tmp_path, content):
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(AttnvizError, match=r"is not a readable \.parquet file"):
        read(path)
    with open(path, "rb") as stream:
        assert row_count(stream, path) is None


def test_pyarrow_that_is_missing_is_told(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AttnvizError, match="needs pyarrow, which is not installed"):
        read(tmp_path / "a.parquet")
