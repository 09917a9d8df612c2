"""The numbers as CSV: those of JSON, a row a number, safe in every spreadsheet."""

from __future__ import annotations

import csv
import io
import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz import Layer, Trace, attend
from attnviz.choices import MapStep, Step
from attnviz.errors import UsageError
from attnviz.renderers.data.csv_format import COLUMNS, csv_header, to_csv
from attnviz.trace.selection import select
from tests.support.records import parsed, rows_of


def test_csv_has_the_numbers_of_the_json(trace):
    (layer,) = parsed(trace)["layers"]
    names = trace.query_tokens(trace.layers[0]), trace.key_tokens(trace.layers[0])
    count = 0
    for row in rows_of(trace):
        owner = layer if row["head"] == "" else layer["heads"][int(row["head"])]
        table = owner[row["step"]]
        first = row["key"] if row["step"] in ("key", "value") else row["query"]
        second = row["key"] if row["step"] in list(MapStep) else row["dimension"]
        expected = table[int(first)][int(second)]
        assert float(row["value"]) == (-math.inf if expected is None else expected)
        assert row["query_token"] == (names[0][int(row["query"])] if row["query"] else "")
        assert row["key_token"] == (names[1][int(row["key"])] if row["key"] else "")
        count += 1
    tables = [value for key, value in layer.items() if key in list(Step) and key != "projections"]
    tables += [value for head in layer["heads"] for key, value in head.items() if key in list(Step)]
    assert count == sum(len(row) for table in tables for row in table)


def test_the_header_names_every_column():
    assert csv_header().rstrip("\n").split(",") == list(COLUMNS)
    assert csv_header(line=True).split(",")[0] == "line"


def test_a_line_number_comes_first(traces):
    trace = traces["causal"]()
    rows = list(csv.reader(io.StringIO(to_csv(trace, select(trace), 7))))
    assert {row[0] for row in rows} == {"7"}
    assert {len(row) for row in rows} == {len(COLUMNS) + 1}


def test_hidden_cells_are_minus_infinity_in_csv(traces):
    rows = rows_of(traces["causal"](), step=[Step.MASKED])
    assert {row["value"] for row in rows if int(row["key"]) > int(row["query"])} == {"-inf"}


@pytest.mark.parametrize("token", ["=1+1", "+1", "-1", "@x", "=cmd|'/c'!A0", "\t=1", "\r=1"])
def test_no_token_is_a_formula(token):
    for row in rows_of(Trace((token,), (Layer([[1.0]], [[1.0]], [[1.0]]),))):
        for cell in (row["query_token"], row["key_token"]):
            assert not cell.startswith(tuple("=+-@\t\r"))
            assert cell == "" or token.strip() in cell


@given(token=st.text(max_size=6) | st.text("=+-@\t\r\n',\"; |%", max_size=6))
@settings(deadline=None, max_examples=40)
def test_any_token_is_one_cell_that_no_spreadsheet_computes(token):
    rows = rows_of(Trace((token,), (Layer([[1.0]], [[1.0]], [[1.0]]),)))
    assert len(rows) == 8
    for row in rows:
        assert None not in row
        assert None not in row.values()
        for cell in (row["query_token"], row["key_token"]):
            assert not cell.lstrip().startswith(tuple("=+-@")), cell
            assert cell.isprintable() or "\u200c" in cell or "\u200d" in cell


@pytest.mark.parametrize(("query", "key"), [(1, None), (None, 2), (1, 2)])
def test_only_the_query_and_the_key_asked_for_are_told(traces, query, key):
    trace = traces["four heads"]()
    words = {name: str(place) for name, place in (("query", query), ("key", key)) if place is not None}
    all_rows, rows = rows_of(trace), rows_of(trace, **words)

    def wanted(row):
        asked = {name: str(place) for name, place in (("query", query), ("key", key)) if place is not None}
        return any(row[name] for name in asked) and all(row[name] in ("", place) for name, place in asked.items())

    assert rows == [row for row in all_rows if wanted(row)]
    assert 0 < len(rows) < len(all_rows)


def test_only_the_heads_asked_for_are_told(traces):
    rows = rows_of(traces["four heads"](), head=["2"], step=[Step.WEIGHTS])
    assert {row["head"] for row in rows} == {"2"}
    assert len(rows) == 36


@pytest.mark.parametrize(("step", "side"), [("output", "key"), ("value", "query"), ("query", "key"), ("key", "query")])
def test_steps_without_what_is_asked_for_are_refused(traces, step, side):
    with pytest.raises(UsageError, match=f"{step} has no rows for a {side}"):
        rows_of(traces["plain"](), step=[Step(step)], **{side: "1"})


@pytest.mark.parametrize("words", [{"query": "1:3"}, {"key": "2:4"}, {"query": "1:3", "key": "2:4"}])
def test_only_the_region_asked_for_is_told(traces, words):
    trace = traces["causal"]()
    rows = rows_of(trace, step=[Step.WEIGHTS], **words)
    queries, keys = words.get("query") and {"1", "2"}, words.get("key") and {"2", "3"}
    assert rows == [
        row
        for row in rows_of(trace, step=[Step.WEIGHTS])
        if (not queries or row["query"] in queries) and (not keys or row["key"] in keys)
    ]


@pytest.mark.parametrize("words", [{"query": "@5"}, {"key": "@5"}])
def test_of_a_long_text_one_query_or_one_key_is_told(words):
    array = numpy.random.default_rng(0).normal(size=(1, 1100, 2))
    trace = Trace(tuple(map(str, range(1100))), (Layer(array, array, array),))
    rows = rows_of(trace, step=[Step.WEIGHTS], **words)
    weights = attend(array, array, array).weights[0]
    expected = weights[5] if "query" in words else weights[:, 5]
    numpy.testing.assert_allclose([float(row["value"]) for row in rows], expected, rtol=1e-5)
