"""Statistics as CSV: a row for each metric of each head."""

from __future__ import annotations

import csv
import math

from made_corpora import measured as corpus

from attnviz import trace_text
from attnviz.analysis.corpus import Statistics
from attnviz.analysis.metrics import Metric
from attnviz.renderers.stats.head_csv import COLUMNS, columns, to_csv
from attnviz.trace.selection import select


def test_a_row_holds_each_value_in_full(measured):
    statistics = measured(trace_text("the cat sat", heads=2), trace_text("a dog", heads=2))
    header, *rows = csv.reader(to_csv(statistics, None).splitlines())
    assert header == list(COLUMNS)
    expected = [(head, metric, head.values[metric]) for head in statistics.heads() for metric in Metric]
    assert len(rows) == len(expected) == 2 * len(Metric)
    for row, (head, metric, value) in zip(rows, expected, strict=True):
        assert row[:4] == [str(head.number), head.layer, str(head.head), metric.value]
        numbers = [math.nan if word == "" else float(word) for word in row[4:6]]
        assert [repr(number) for number in numbers] == [repr(value.mean), repr(value.deviation)]
        assert row[6] == str(value.count)


def test_rows_are_sorted_by_a_metric(measured):
    rows = list(csv.DictReader(to_csv(measured(), Metric.ENTROPY).splitlines()))
    values = [float(row["mean"]) for row in rows if row["metric"] == "entropy"]
    assert values == sorted(values, reverse=True)


def test_quantiles_and_top_texts_are_columns_behind_the_others():
    statistics = corpus(range(1, 7), quantiles=(0.5, 0.1), top_texts=2)
    header, *rows = csv.reader(to_csv(statistics, None).splitlines())
    more = ["quantile_0.1", "quantile_0.5", "top_text_1", "top_value_1", "top_text_2", "top_value_2"]
    assert header == [*COLUMNS, *more] == list(columns(statistics))
    expected = [(head.quantiles[metric], head.top[metric]) for head in statistics.heads() for metric in Metric]
    for row, (quantiles, top) in zip(rows, expected, strict=True):
        assert row[9:11] == ["" if math.isnan(value) else repr(value) for value in quantiles]
        assert row[11:] == [word for one in top for word in (one.name, repr(one.value))] + ["", ""] * (2 - len(top))


def test_the_name_of_a_text_is_never_a_formula():
    statistics = Statistics(top_texts=1)
    trace = trace_text("a b")
    statistics.add(trace, select(trace), name="=1+1\n\x1b")
    row = next(csv.DictReader(to_csv(statistics, None).splitlines()))
    assert row["top_text_1"].startswith("'=1+1")
    assert "\x1b" not in row["top_text_1"]
