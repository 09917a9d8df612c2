"""What the heads do over many texts: means and deviations that grow with the number of heads, not of texts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy

from attnviz.choices import Metric
from attnviz.metrics import NEAR, head_metrics
from attnviz.progress import Report, unheard
from attnviz.provenance import largest_error, model_name
from attnviz.selection import Selection
from attnviz.trace import Trace

OF_ONE_TEXT = ("ids", "special", "target_ids", "target_special", "agreement")  # facts of a source


class Running:
    """Mean and standard deviation of values that come one after the other and are not kept.

    Welford 1962, "Note on a Method for Calculating Corrected Sums of Squares and Products", with a count for each place
    of an array, since a text may have a value for one place and none (NaN) for another.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = numpy.zeros(shape, dtype=int)
        self._mean, self._squares = numpy.zeros(shape), numpy.zeros(shape)

    def add(self, values: numpy.ndarray) -> None:
        """The values of one more text; NaN is no value."""
        known = ~numpy.isnan(values)
        self.count += known
        before = numpy.where(known, values - self._mean, 0.0)
        self._mean += before / numpy.maximum(self.count, 1)
        self._squares += before * numpy.where(known, values - self._mean, 0.0)

    @property
    def mean(self) -> numpy.ndarray:
        """NaN where no text had a value."""
        return numpy.where(self.count > 0, self._mean, math.nan)

    @property
    def deviation(self) -> numpy.ndarray:
        """The standard deviation over the texts, as of a sample (divided by count − 1); NaN below two texts."""
        return numpy.where(self.count > 1, numpy.sqrt(self._squares / numpy.maximum(self.count - 1, 1)), math.nan)


@dataclass(frozen=True)
class Value:
    """One metric of one head over all texts; NaN for what is not known."""

    mean: float
    deviation: float
    count: int


class Head(NamedTuple):
    """One row of the table: a head, and its value for each metric."""

    layer: str  # "layer 3", "cross 3"
    number: int
    head: int
    values: dict[Metric, Value]


class Statistics:
    """The metrics of the selected heads, text after text.

    texts    how many were added; tokens, how many they had together
    partial  whether more were meant to come
    source   where they come from, without what belongs to one text; model, its name or ""
    error    how far the recomputed outputs are from the model's own at the most; None: there is no model
    """

    def __init__(self, near: int = NEAR) -> None:
        self.near, self.texts, self.tokens, self.partial = near, 0, 0, False
        self.source: dict[str, Any] = {}
        self.model = ""
        self.error: float | None = None
        self._layers: dict[str, tuple[int, tuple[int, ...], Running]] = {}

    def add(self, trace: Trace, selection: Selection, report: Report = unheard) -> None:
        """The selected heads of one more text; ``report`` hears how many rows are done, of how many."""
        count = len(selection.layers)
        for place, part in enumerate(selection.layers):

            def tell(done: int, of: int, place: int = place) -> None:
                report(place * of + done, count * of)

            metrics = head_metrics(trace, part.layer, self.near, tell)
            values = numpy.array([metrics[metric][list(part.heads)] for metric in Metric])  # (metrics, heads)
            known = self._layers.setdefault(part.layer.title, (part.layer.index, part.heads, Running(values.shape)))
            known[2].add(values)
        self.source = {name: value for name, value in trace.source.items() if name not in OF_ONE_TEXT}
        self.model = model_name(trace)
        errors = [self.error, largest_error(trace)]
        self.error = max((error for error in errors if error is not None), default=None)
        self.texts += 1
        self.tokens += len(trace.tokens)

    def heads(self, sort: Metric | None = None) -> list[Head]:
        """All heads in the order of their layers, or the largest value of ``sort`` first and what has none last."""
        rows = [
            Head(title, number, head, {metric: _value(running, row, column) for row, metric in enumerate(Metric)})
            for title, (number, heads, running) in self._layers.items()
            for column, head in enumerate(heads)
        ]
        if sort is None:
            return rows
        return sorted(rows, key=lambda row: math.inf if math.isnan(row.values[sort].mean) else -row.values[sort].mean)


def _value(running: Running, row: int, column: int) -> Value:
    place = (row, column)
    return Value(float(running.mean[place]), float(running.deviation[place]), int(running.count[place]))
