"""What the heads do, as CSV for scripts."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from attnviz.analysis.corpus import HasHeads
from attnviz.analysis.corpus.top_texts import TopText
from attnviz.renderers.data.csv_format import no_formula
from attnviz.text.display import shown_line

COLUMNS = ("layer", "name", "head", "metric", "mean", "deviation", "count", "found", "threshold")

Measure = TypeVar("Measure", bound=StrEnum)


def columns(statistics: object) -> tuple[str, ...]:
    """The names of the columns: behind the usual ones the quantiles and the top texts that are kept."""
    shares: tuple[float, ...] = getattr(statistics, "quantiles", ())
    most: int = getattr(statistics, "top_texts", 0)
    top = [f"{name}_{place}" for place in range(1, most + 1) for name in ("top_text", "top_value")]
    return (*COLUMNS, *(f"quantile_{share}" for share in shares), *top)


def to_csv(statistics: HasHeads[Measure], sort: Measure | None) -> str:
    """A row for each metric of each head; what no text had an answer for is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns(statistics))
    writer.writerows([_word(value) for value in row] for row in rows(statistics, sort))
    return text.getvalue()


def rows(statistics: HasHeads[Measure], sort: Measure | None) -> Iterator[tuple[Any, ...]]:
    """The values of ``columns`` for each metric of each head; NaN for what no text had an answer for, "" where there is no text.

    ``found`` is the name that the metric has earned the head, or "", and ``threshold`` what a name takes here; NaN where the
    metric tells of none, or the texts cannot tell.
    """
    most: int = getattr(statistics, "top_texts", 0)
    for head in statistics.heads(sort):
        names: dict[StrEnum, str] = {one.name.metric: one.name.value for one in head.names}
        limits: dict[StrEnum, float] = {name.metric: least for name, least in head.limits.items() if least is not None}
        for metric, value in head.values.items():
            numbers = value.mean, value.deviation, value.count
            found = names.get(metric, ""), limits.get(metric, math.nan)
            beside = *head.quantiles.get(metric, ()), *_top(head.top.get(metric, ()), most)
            yield head.number, head.layer, head.head, metric.value, *numbers, *found, *beside


def _top(texts: Sequence[TopText], most: int) -> Iterator[str | float]:
    for place in range(most):
        yield texts[place].name if place < len(texts) else ""
        yield texts[place].value if place < len(texts) else math.nan


def _word(value: Any) -> Any:
    """A number in full, as it is read again."""
    if isinstance(value, str):
        return no_formula(shown_line(value))
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else repr(value)
