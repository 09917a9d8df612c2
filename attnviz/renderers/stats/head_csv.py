"""What the heads do, as CSV for scripts."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import Any

from attnviz.analysis.corpus import Statistics
from attnviz.analysis.metrics import Metric

COLUMNS = ("layer", "name", "head", "metric", "mean", "deviation", "count")


def to_csv(statistics: Statistics, sort: Metric | None) -> str:
    """A row for each metric of each head; what no text had an answer for is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_word(value) for value in row] for row in rows(statistics, sort))
    return text.getvalue()


def rows(statistics: Statistics, sort: Metric | None) -> Iterator[tuple[Any, ...]]:
    """The values of ``COLUMNS`` for each metric of each head; NaN for what no text had an answer for."""
    for head in statistics.heads(sort):
        for metric, value in head.values.items():
            yield head.number, head.layer, head.head, metric.value, value.mean, value.deviation, value.count


def _word(value: Any) -> Any:
    """A number in full, as it is read again."""
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else repr(value)
