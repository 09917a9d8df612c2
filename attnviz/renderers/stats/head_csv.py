"""What the heads do, as CSV for scripts."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, TypeVar

from attnviz.analysis.corpus import HasHeads

COLUMNS = ("layer", "name", "head", "metric", "mean", "deviation", "count", "found", "threshold")

Measure = TypeVar("Measure", bound=StrEnum)


def to_csv(statistics: HasHeads[Measure], sort: Measure | None) -> str:
    """A row for each metric of each head; what no text had an answer for is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_word(value) for value in row] for row in rows(statistics, sort))
    return text.getvalue()


def rows(statistics: HasHeads[Measure], sort: Measure | None) -> Iterator[tuple[Any, ...]]:
    """The values of ``COLUMNS`` for each metric of each head; NaN for what no text had an answer for.

    ``found`` is the name that the metric has earned the head, or "", and ``threshold`` what a name takes here; NaN where the
    metric tells of none, or the texts cannot tell.
    """
    for head in statistics.heads(sort):
        names: dict[StrEnum, str] = {one.name.metric: one.name.value for one in head.names}
        limits: dict[StrEnum, float] = {name.metric: least for name, least in head.limits.items() if least is not None}
        for metric, value in head.values.items():
            numbers = value.mean, value.deviation, value.count
            found = names.get(metric, ""), limits.get(metric, math.nan)
            yield head.number, head.layer, head.head, metric.value, *numbers, *found


def _word(value: Any) -> Any:
    """A number in full, as it is read again."""
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else repr(value)
