"""Statistics as CSV: a row for each metric of each head."""

from __future__ import annotations

import csv
import math

from attnviz import trace_text
from attnviz.analysis.metrics import Metric
from attnviz.renderers.stats.head_csv import COLUMNS, to_csv


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
