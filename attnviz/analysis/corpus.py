"""What the heads do over many texts: means and deviations that grow with the number of heads, not of texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy

from attnviz.analysis.head_names import (
    CHANCED,
    THRESHOLDS,
    Chance,
    Found,
    HeadName,
    head_names,
    name_limits,
)
from attnviz.analysis.measure import Measured
from attnviz.analysis.metrics import Metric
from attnviz.analysis.together import measured_together
from attnviz.choices import NEAR, MeasuredStep, Pool
from attnviz.progress import Progress, no_progress
from attnviz.trace.selection import LayerSelection, Selection, require_contributions
from attnviz.trace.trace import Trace

Region = tuple[range | None, range | None]
Order = TypeVar("Order", bound=StrEnum, contravariant=True)
NO_LIMITS: Mapping[HeadName, float | None] = MappingProxyType({})


class Running:
    """Mean and standard deviation of values that come one after the other and are not kept.

    Welford 1962, "Note on a Method for Calculating Corrected Sums of Squares and Products", with a count for each place
    of an array, since a text may have a value for one place and none (NaN) for another.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = numpy.zeros(shape, dtype=int)
        self._mean, self._squares = numpy.zeros(shape), numpy.zeros(shape)

    def plus(self, values: numpy.ndarray) -> Running:
        """The same with the values of one more text; NaN is no value."""
        more, known = Running(values.shape), ~numpy.isnan(values)
        more.count = self.count + known
        before = numpy.where(known, values - self._mean, 0.0)
        more._mean = self._mean + before / numpy.maximum(more.count, 1)
        more._squares = self._squares + before * numpy.where(known, values - more._mean, 0.0)
        return more

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
    """One row of the table: a head, its value for each metric, and the names that it has earned.

    ``limits`` says what each name takes here, None where the texts cannot tell; nothing where no names are given.
    """

    layer: str  # "layer 3", "cross 3"
    number: int
    head: int
    values: Mapping[Any, Value]  # by metric, or by effect
    names: tuple[Found, ...] = ()
    limits: Mapping[HeadName, float | None] = NO_LIMITS


class HasHeads(Protocol[Order]):
    """Statistics of heads, of whatever is measured."""

    def heads(self, sort: Order | None = None) -> list[Head]:
        """All heads, sorted by what was measured."""


class Statistics:
    """The metrics of the selected heads, text after text.

    near     keys at a distance below this count as near
    pool     what stands for the queries of a text; names are of means, so there are none of the largest
    toward   the token, or OUTPUT, along which contributions are measured; "" where they are not
    step     of what the metrics are: weights, or the shares of contributions; names are of weights, so there are none of these
    metrics  what is measured, in the order in which it is shown
    thresholds  of the names, before they are held against chance
    regions  the queries and the keys that were looked at, None for all, of the texts of which not all were
    skips_tokens whether a text had tokens that are left out
    texts    how many were added; tokens, how many they had together
    skipped  how many could not be read
    partial  whether more were meant to come
    source   where they come from, without what belongs to one text; model, its name or ""
    error    how far the recomputed outputs are at most from the model's own; None: there is no model
    """

    def __init__(
        self,
        near: int = NEAR,
        pool: Pool = Pool.MEAN,
        metrics: Iterable[Metric] = tuple(Metric),
        thresholds: Mapping[HeadName, float] = THRESHOLDS,
        step: MeasuredStep = MeasuredStep.WEIGHTS,
    ) -> None:
        self.near, self.pool, self.step, self.skips_tokens = near, pool, step, False
        self.metrics, self.thresholds = tuple(dict.fromkeys(metrics)), {**THRESHOLDS, **thresholds}
        self.regions: frozenset[Region] = frozenset()
        self.texts, self.tokens, self.skipped, self.partial = 0, 0, 0, False
        self.source: dict[str, Any] = {}
        self.toward = ""
        self.model = ""
        self.error: float | None = None
        self._layers: dict[str, _Layer] = {}
        self._left_out = Running(())

    def add(self, trace: Trace, selection: Selection, report: Progress = no_progress) -> None:
        """The selected heads of one more text: all of it or, where it fails or is interrupted, nothing.

        ``report`` is told how much is done, of how much.
        """
        if self.step is MeasuredStep.CONTRIBUTION:
            require_contributions(trace, selection)
            self.toward = next((one.layer.toward.token for one in selection.layers if one.layer.toward), "")
        layers, left_out = dict(self._layers), []
        options: dict[str, Any] = {"near": self.near, "only": self.metrics, "pool": self.pool, "chances": CHANCED}
        all_measured = measured_together(trace, selection.layers, report, step=self.step, **options)
        for selected, measured in zip(selection.layers, all_measured, strict=True):
            before = layers.get(selected.layer.title) or _Layer.without_texts(
                selected.layer.index, selected.heads, self.metrics
            )
            layers[selected.layer.title] = before.plus(measured)
            left_out.append(measured.left_out[list(selected.heads)].mean())
        selected_layers = selection.layers
        elsewhere = any(len(selected.key_positions) < selected.layer.keys for selected in selected_layers)
        errors = [self.error, trace.source.agreement.largest_error]
        vars(self).update(  # in one step, which nothing can interrupt
            _layers=layers,
            _left_out=self._left_out.plus(numpy.array(numpy.mean(left_out) if elsewhere else math.nan)),
            source=trace.source.of_any_text(),
            model=trace.source.model_name,
            error=max((error for error in errors if error is not None), default=None),
            texts=self.texts + 1,
            regions=self.regions | {_region(selected) for selected in selected_layers if not selected.whole},
            skips_tokens=self.skips_tokens or any(selected.skips_tokens for selected in selected_layers),
            tokens=self.tokens + len(trace.tokens),
        )

    @property
    def left_out(self) -> float | None:
        """The mean share of the weights that went to keys that are left out, over the texts that have such; None: none has."""
        return float(self._left_out.mean) if self._left_out.count else None

    def heads(self, sort: Metric | None = None) -> list[Head]:
        """All heads in the order of their layers, or the largest value of ``sort`` first and what has none last."""
        rows = [
            self._named(Head(title, layer.number, head, layer.values(column)), layer.chances(column))
            for title, layer in self._layers.items()
            for column, head in enumerate(layer.heads)
        ]
        if sort is None:
            return rows
        return sorted(rows, key=lambda row: math.inf if math.isnan(row.values[sort].mean) else -row.values[sort].mean)

    def _named(self, head: Head, chances: Mapping[Metric, Chance]) -> Head:
        """``head`` with its names, where they can be told."""
        if self.pool is not Pool.MEAN or self.step is not MeasuredStep.WEIGHTS:
            return head
        means = {metric: value.mean for metric, value in head.values.items()}
        limits = name_limits(means, chances, self.thresholds)
        return head._replace(names=head_names(means, limits), limits=limits)


class _Layer(NamedTuple):
    """What is known of the selected heads of a layer so far: their metrics, (metrics, heads); and of the metrics that are
    held against chance what an even head would have, and one in how many queries each is, (2, metrics, heads)."""

    number: int
    heads: tuple[int, ...]
    measured: tuple[Metric, ...]
    metrics: Running
    chance: Running

    @classmethod
    def without_texts(cls, number: int, heads: tuple[int, ...], metrics: tuple[Metric, ...]) -> _Layer:
        return cls(number, heads, metrics, Running((len(metrics), len(heads))), Running((2, len(CHANCED), len(heads))))

    def plus(self, measured: Measured) -> _Layer:
        """The same with one more text."""
        heads = list(self.heads)
        unknown = numpy.full(len(heads), math.nan)  # of what asks where a key stands, among keys of another text
        even = numpy.array(
            [measured.chances[metric][heads] if metric in measured.chances else unknown for metric in CHANCED]
        )
        counts = numpy.array([measured.counts[metric][heads] for metric in CHANCED])
        shares = numpy.where(counts > 0, 1 / numpy.maximum(counts, 1), math.nan)
        values = numpy.array([measured.metrics[metric][heads] for metric in self.measured])
        return self._replace(metrics=self.metrics.plus(values), chance=self.chance.plus(numpy.array([even, shares])))

    def values(self, column: int) -> dict[Metric, Value]:
        return {metric: value_of(self.metrics, row, column) for row, metric in enumerate(self.measured)}

    def chances(self, column: int) -> dict[Metric, Chance]:
        """Of each metric over all texts, whose queries count as many as independent ones of the same weight would."""
        even, shares = self.chance.mean[:, :, column]
        texts = self.chance.count[1, :, column]
        return {
            metric: Chance(float(even[row]), float(texts[row] / shares[row]) if texts[row] else 0.0)
            for row, metric in enumerate(CHANCED)
        }


def _region(selected: LayerSelection) -> Region:
    """The queries and the keys that are looked at, None where that is all of them."""
    queries, keys = selected.ranges
    layer = selected.layer
    return queries if len(queries) < layer.queries else None, keys if len(keys) < layer.keys else None


def value_of(running: Running, *place: int) -> Value:
    """What is known of one place of an array."""
    return Value(float(running.mean[place]), float(running.deviation[place]), int(running.count[place]))
