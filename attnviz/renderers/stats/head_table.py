"""What the heads do, as a table for a person."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import numpy
from rich.console import Group
from rich.text import Text

from attnviz.analysis.corpus import Head, Statistics, Value
from attnviz.analysis.corpus.of_heads import OfHeads
from attnviz.analysis.metrics import Metric
from attnviz.renderers.shared.facts import layer_name
from attnviz.renderers.shared.matrix import Matrix
from attnviz.renderers.shared.table import BOLD, DIM, GAP, MatrixTable
from attnviz.renderers.stats.facts import facts, footnotes, reading
from attnviz.renderers.stats.named import name_lines
from attnviz.renderers.stats.sections import head_word, quantile_words, skipped_lines, top_lines
from attnviz.text.lessons import Lessons, lessons

DECIMALS = 3
FULL = f"{1:.{DECIMALS}f}"
UNKNOWN = "–"  # a head for which no text had an answer


def to_renderable(statistics: Statistics, sort: Metric | None, words: Lessons | None = None) -> Group:
    """One row per head, one column per metric, each column tinted from its smallest value to its largest.

    ``words`` are in the language of the reader; None: in English. Of all metrics, without the mass where no head lacks any:
    a column of ones.
    """
    return as_table(told(statistics, sort, words or lessons()))


def as_table(said: Told) -> Group:
    """What is ``said``, in the terminal."""
    return Group(
        Text(said.facts, style=BOLD),
        Text(said.reading, style=DIM),
        Text(""),
        MatrixTable(said.matrix, gap=GAP),
        *_names(said.names),
        *(line for section in said.more for line in _names(section)),
        Text(""),
        *(Text(line, style=DIM) for line in said.footnotes),
    )


class Told(NamedTuple):
    """All that the table says: of what it is, how to read it, the numbers, what heads are called (a heading, and lines below it),
    what each column is, and more sections, each a heading and lines."""

    facts: str
    reading: str
    matrix: Matrix
    names: list[str]
    footnotes: list[str]
    more: tuple[list[str], ...] = ()


def told(statistics: Statistics, sort: Metric | None, words: Lessons) -> Told:
    """What the table of ``statistics`` says."""
    heads = statistics.heads(sort)
    metrics = _shown(statistics, sort, heads)
    matrix = _matrix(heads, metrics, statistics.texts > 1, words)
    names = name_lines(statistics, words)
    more = top_lines(statistics, metrics, words), skipped_lines(statistics, words)
    read = read_so(reading(statistics, words), statistics, words)
    return Told(facts(statistics, words), read, matrix, names, footnotes(metrics, words), more)


def read_so(said: str, statistics: OfHeads, words: Lessons) -> str:
    """How to read the numbers: what is ``said``, and what stands in brackets."""
    return "; ".join(filter(None, [said, quantile_words(statistics, words)]))


def _names(lines: list[str]) -> list[Text]:
    """What the heads are called, below an empty line."""
    return [Text(""), Text(lines[0], style=BOLD), *map(Text, lines[1:])] if lines else []


def _shown(statistics: Statistics, sort: Metric | None, heads: list[Head]) -> list[Metric]:
    """The metrics that have a column: those that were asked for."""
    if len(statistics.metrics) < len(Metric) or sort is Metric.MASS:
        return [*statistics.metrics]
    lacking = any(f"{head.values[Metric.MASS].mean:.{DECIMALS}f}" != FULL for head in heads)
    return [metric for metric in statistics.metrics if lacking or metric is not Metric.MASS]


def _matrix(heads: list[Head], metrics: list[Metric], several: bool, words: Lessons) -> Matrix:
    """The values of ``metrics``, with their deviation where there are several texts."""
    values = [[head.values[metric] for metric in metrics] for head in heads]
    return Matrix(
        corner=words.say("stats.head"),
        rows=[f"{layer_name(head.layer, words)} · {head_word(head.head, words)}" for head in heads],
        columns=[metric.value for metric in metrics],
        cells=[
            [_cell(head.values[metric], several) + quantiles(head, metric, several) for metric in metrics]
            for head in heads
        ],
        tints=tints([[value.mean for value in row] for row in values]),
    )


def _cell(value: Value, several: bool) -> str:
    if math.isnan(value.mean):
        return UNKNOWN
    text = number(value.mean)
    return f"{text} ± {number(value.deviation)}" if several and not math.isnan(value.deviation) else text


def quantiles(head: Head, metric: StrEnum, several: bool, told: Callable[[float], str] | None = None) -> str:
    """In brackets behind the mean, where there are ``several`` texts."""
    known = [value for value in head.quantiles.get(metric, ()) if several and not math.isnan(value)]
    return f" ({' '.join(map(told or number, known))})" if known else ""


def number(value: float) -> str:
    """With a table's decimals, or two digits where these would hold none: in a long text, most weights."""
    return f"{value:.1e}" if 0 < abs(value) < 10.0**-DECIMALS else f"{value:.{DECIMALS}f}"


def tints(rows: list[list[float]]) -> list[list[float | None]]:
    """Where each number lies between its column's smallest (0) and largest (1); None where there is none."""
    if not rows or not rows[0]:  # statistics of no text have no heads
        return [[] for _ in rows]
    values = numpy.array(rows)
    known = numpy.where(numpy.isnan(values), math.inf, values)
    low = known.min(axis=0)
    high = numpy.where(numpy.isnan(values), -math.inf, values).max(axis=0)
    spread = numpy.where(high > low, high - low, 1.0)
    places = (values - low) / spread
    return [[None if math.isnan(place) else place for place in row] for row in places.tolist()]
