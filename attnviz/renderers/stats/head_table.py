"""What the heads do: as a table for a person, as JSON and CSV for scripts."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection
from typing import Any

import numpy
import orjson
from rich.console import Group
from rich.text import Text

from attnviz.analysis.corpus import Head, Region, Statistics, Value
from attnviz.analysis.metrics import Metric
from attnviz.choices import Pool
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.matrix import Matrix
from attnviz.renderers.shared.table import BOLD, DIM, MatrixTable
from attnviz.trace.origin import exactness
from attnviz.trace.trace import FORMAT

DECIMALS = 3
FULL = f"{1:.{DECIMALS}f}"
UNKNOWN = "–"  # a head for which no text had an answer
CSV_COLUMNS = ("layer", "name", "head", "metric", "mean", "deviation", "count")


def to_renderable(statistics: Statistics, sort: Metric | None) -> Group:
    """A row a head, a column a metric, each column tinted from its smallest value to its largest.

    Without the mass where no head lacks any: a column of ones.
    """
    heads = statistics.heads(sort)
    lacking = sort is Metric.MASS or any(f"{head.values[Metric.MASS].mean:.{DECIMALS}f}" != FULL for head in heads)
    metrics = [metric for metric in Metric if lacking or metric is not Metric.MASS]
    values = [[head.values[metric] for metric in metrics] for head in heads]
    matrix = Matrix(
        corner="head",
        rows=[f"{head.layer} · {head.head}" for head in heads],
        columns=[metric.value for metric in metrics],
        cells=[[_cell(value, statistics.texts > 1) for value in row] for row in values],
        tints=_tints(numpy.array([[value.mean for value in row] for row in values])),
    )
    return Group(
        Text(facts(statistics), style=BOLD), Text(_reading(statistics), style=DIM), Text(""), MatrixTable(matrix)
    )


def facts(statistics: Statistics) -> str:
    """One line: of what the numbers are, and whether something is missing."""
    words = [
        *filter(None, [exactness(statistics.model, statistics.error)]),
        f"texts: {statistics.texts:,}",
        f"tokens: {statistics.tokens:,}",
        *([f"skipped: {statistics.skipped:,}"] if statistics.skipped else []),
        *_region(statistics.regions),
        *filter(None, [_left_out(statistics)]),
        *(["partial: interrupted before the last text"] if statistics.partial else []),
    ]
    return " · ".join(words)


def to_json(statistics: Statistics, sort: Metric | None) -> bytes:
    """One object; what no text had an answer for is null."""
    return orjson.dumps(
        {
            "attnviz": FORMAT,
            "source": statistics.source,
            "texts": statistics.texts,
            "tokens": statistics.tokens,
            "skipped": statistics.skipped,
            "partial": statistics.partial,
            "largest_error": statistics.error,
            "near": statistics.near,
            "pool": statistics.pool.value,
            "regions": sorted([_ends(queries), _ends(keys)] for queries, keys in statistics.regions),
            "hidden_share": statistics.left_out,
            "heads": [_record(head) for head in statistics.heads(sort)],
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def to_csv(statistics: Statistics, sort: Metric | None) -> str:
    """A row for each metric of each head; what no text had an answer for is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for head in statistics.heads(sort):
        for metric, value in head.values.items():
            words = ["" if math.isnan(number) else repr(number) for number in (value.mean, value.deviation)]
            writer.writerow([head.number, head.layer, head.head, metric.value, *words, value.count])
    return text.getvalue()


def _record(head: Head) -> dict[str, Any]:
    metrics = {metric.value: vars(value) for metric, value in head.values.items()}
    return {"layer": head.number, "name": head.layer, "head": head.head, "metrics": metrics}


def _ends(side: range | None) -> list[int]:
    """[A, B]; [] is all positions."""
    return [] if side is None else [side.start, side.stop]


def _region(regions: Collection[Region]) -> list[str]:
    """What was looked at of the texts, where that was not all: the same of each, or several."""
    if len(regions) > 1:
        return [f"{len(regions):,} regions"]
    names = ("query", "queries"), ("key", "keys")
    return [
        ", ".join(numbers.span(*name, side) for name, side in zip(names, region, strict=True) if side is not None)
        for region in regions
    ]


def _left_out(statistics: Statistics) -> str:
    if statistics.regions:
        return numbers.left_out(statistics.left_out, "other keys")
    return numbers.left_out(statistics.left_out)


def _reading(statistics: Statistics) -> str:
    queries = "largest value of the queries" if statistics.pool is Pool.MAX else "mean over the queries"
    middle = f"{queries} of a text" + (", then mean ± deviation over texts" if statistics.texts > 1 else "")
    units = f"entropy in bits, distance in tokens, near: below {statistics.near} tokens, else shares of the weight"
    others = "all other keys together are" if statistics.regions else "what is hidden is"
    one_more = f"; to entropy and evenness, {others} one more key" if statistics.left_out is not None else ""
    return f"{middle}; {units}{one_more}"


def _cell(value: Value, several: bool) -> str:
    if math.isnan(value.mean):
        return UNKNOWN
    text = _number(value.mean)
    return f"{text} ± {_number(value.deviation)}" if several and not math.isnan(value.deviation) else text


def _number(value: float) -> str:
    """With a table's decimals, or two digits where these would hold none: in a long text, most weights."""
    return f"{value:.1e}" if 0 < abs(value) < 10.0**-DECIMALS else f"{value:.{DECIMALS}f}"


def _tints(values: numpy.ndarray) -> list[list[float | None]]:
    """Where each number lies between its column's smallest (0) and largest (1); None where there is none."""
    known = numpy.where(numpy.isnan(values), math.inf, values)
    low = known.min(axis=0)
    high = numpy.where(numpy.isnan(values), -math.inf, values).max(axis=0)
    spread = numpy.where(high > low, high - low, 1.0)
    tints = (values - low) / spread
    return [[None if math.isnan(tint) else tint for tint in row] for row in tints.tolist()]
