"""A row for each text and head, in three formats: the same numbers as other readers read them, whole or not at all."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import sys

import pandas
import pytest
from faults import Faults
from made_corpora import measured

from attnviz.analysis.corpus.by_text import MeasuredLayer, TextRows
from attnviz.analysis.metrics import Metric
from attnviz.errors import AttnvizError, UsageError
from attnviz.renderers.stats import text_rows as module
from attnviz.renderers.stats.text_rows import COLUMNS, require_by_text, text_rows

METRICS = [metric.value for metric in Metric]


def written(path, numbers=(0, 3, 5)):
    with text_rows(path, METRICS) as write:
        for number in numbers:
            write(measured([number]).rows())
    return [row for number in numbers for row in measured([number]).rows()]


def same(found, expected):
    for mine, (*where, values) in zip(found, expected, strict=True):
        assert list(mine[:5]) == where
        for one, other in zip(mine[5:], values, strict=True):
            assert one == other or (one is None and math.isnan(other))


def test_csv_holds_the_very_numbers(tmp_path):
    expected = written(tmp_path / "a.csv")
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as stream:
        names, *rows = csv.reader(stream)
    assert names == [*COLUMNS, *METRICS]
    same(
        [
            [row[0], int(row[1]), int(row[2]), row[3], int(row[4]), *(float(one) if one else None for one in row[5:])]
            for row in rows
        ],
        expected,
    )


def test_jsonl_holds_the_very_numbers(tmp_path):
    expected = written(tmp_path / "a.jsonl")
    records = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert all(list(record) == [*COLUMNS, *METRICS] for record in records)
    same([list(record.values()) for record in records], expected)


def test_parquet_holds_the_very_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "GROUP", 5)  # several groups of rows
    expected = written(tmp_path / "a.parquet")
    frame = pandas.read_parquet(tmp_path / "a.parquet")
    assert list(frame.columns) == [*COLUMNS, *METRICS]
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    same(rows, expected)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_no_text_is_a_file_without_rows(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    assert written(path, ()) == []
    assert path.exists()


def test_a_name_is_never_a_formula_nor_more_than_a_line(tmp_path):
    rows = TextRows(
        '=HYPERLINK("x")\n\x1b', 1, (MeasuredLayer("@layer", 0, (0,), measured([3]).rows().layers[0].values),)
    )
    with text_rows(tmp_path / "a.csv", METRICS) as write:
        write(rows)
    (row,) = list(csv.reader((tmp_path / "a.csv").read_text().splitlines()))[1:2]
    assert row[0].startswith("'=HYPERLINK")
    assert row[3] == "'@layer"
    assert "\x1b" not in row[0]


def failing(path):
    with text_rows(path, METRICS) as write:
        write(measured([3]).rows())
        raise ZeroDivisionError


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_where_the_disk_is_full_or_the_run_fails_there_is_no_file(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError):
        failing(path)
    written(path, (3,))
    whole = path.read_bytes()
    for at in range(1, 60):
        path.write_text("old")
        faults = Faults(tmp_path, at, errno.ENOSPC)
        try:
            with faults.planted():
                written(path, (3,))
        except AttnvizError as error:
            assert str(path) in str(error)  # noqa: PT017  (at the end, nothing fails)
            assert path.read_bytes() in (b"old", whole)
        if not faults.failed:
            break
        assert os.listdir(tmp_path) == [path.name]
    else:
        pytest.fail("each of many calls was counted as a failure")


def test_another_suffix_is_wrong_usage(tmp_path):
    for call in (require_by_text, lambda path: text_rows(path, METRICS).__enter__()):
        with pytest.raises(UsageError, match=r"a\.txt: its suffix is not one of \.parquet, \.csv, \.jsonl"):
            call(tmp_path / "a.txt")


def test_without_the_library_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AttnvizError, match=r"\.parquet files need pyarrow, which is not installed"):
        require_by_text(tmp_path / "a.parquet")
    require_by_text(tmp_path / "a.csv")
