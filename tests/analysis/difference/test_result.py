"""What comes back of a comparison: it prints, is handed on, and draws."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest

from attnviz import diff, trace_text


@pytest.fixture(scope="module")
def found():
    return diff(trace_text("the cat sat", 2, causal=True), trace_text("the cat sat", 2))


def test_as_records_csv_json_and_text(found):
    records = found.records
    assert [record["left_head"] for record in records] == [head.left.head for head in found.heads]
    assert [row["left_head"] for row in csv.DictReader(io.StringIO(found.to_csv()))] == [
        str(head.left.head) for head in found.heads
    ]
    assert [head["divergence"] for head in json.loads(found.to_json())["heads"]] == [
        record["divergence"] for record in records
    ]
    assert found.to_markdown().startswith("## Pairs of heads")
    assert str(found).splitlines()[0] == "Pairs of heads, the furthest apart first: 2"
    assert found.__rich__().renderables
    assert found._repr_html_().startswith("<div")
    assert repr(found).startswith("Difference(2 pairs of heads, at most 0.")


def test_as_tables_of_other_libraries(found, monkeypatch):
    for name in ("pandas", "polars"):

        class Library:
            @staticmethod
            def DataFrame(records, **columns):  # noqa: N802  (the libraries' own name)
                return records, columns

        monkeypatch.setitem(sys.modules, name, Library)
        records, columns = getattr(found, f"to_{name}")()
        assert records == found.records
        assert list(records[0]) in columns.values()


def test_the_picture_is_a_figure(found):
    figure = found.heatmap(title="Mine")
    assert figure.drawing.picture.title == "Mine"


def test_the_query_that_is_furthest_apart(found):
    for head in found.heads:
        assert head.apart.rows[head.furthest] == head.apart.rows.max()


def test_as_many_as_are_asked_for(found):
    some = diff(found.left.trace, found.right.trace, top=1)
    assert (len(some.shown), len(some.heads), len(some.records)) == (1, 2, 1)
    assert not some.equal
