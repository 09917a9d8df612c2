"""What the heads do, as CSV for scripts."""

from __future__ import annotations

import csv
import io
import math

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.metrics import Metric

COLUMNS = ("layer", "name", "head", "metric", "mean", "deviation", "count")


def to_csv(statistics: Statistics, sort: Metric | None) -> str:
    """A row for each metric of each head; what no text had an answer for is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for head in statistics.heads(sort):
        for metric, value in head.values.items():
            words = ["" if math.isnan(number) else repr(number) for number in (value.mean, value.deviation)]
            writer.writerow([head.number, head.layer, head.head, metric.value, *words, value.count])
    return text.getvalue()
