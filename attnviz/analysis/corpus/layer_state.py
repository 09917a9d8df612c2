"""What is known of the selected heads of one layer so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy

from attnviz.analysis.corpus.alike import require_same
from attnviz.analysis.corpus.heads import Value, value_of
from attnviz.analysis.corpus.layers import OfLayer
from attnviz.analysis.corpus.running import Running
from attnviz.analysis.corpus.state_file import running_arrays, running_of
from attnviz.analysis.head_names import CHANCED, Chance
from attnviz.analysis.measure import Measured
from attnviz.analysis.metrics import Metric


class OfText(NamedTuple):
    """What was measured of some heads of one text: their metrics, (metrics, heads), NaN where there is none; and of the metrics
    that are held against chance what an even head would have, and one in how many queries each is, (2, metrics, heads)."""

    metrics: numpy.ndarray
    chance: numpy.ndarray

    @classmethod
    def of(cls, measured: Measured, metrics: Sequence[Metric], heads: Sequence[int]) -> OfText:
        """Of these metrics and heads."""
        columns = list(heads)
        unknown = numpy.full(len(columns), math.nan)  # of what asks where a key stands, among keys of another text
        even = [measured.chances[metric][columns] if metric in measured.chances else unknown for metric in CHANCED]
        counts = numpy.array([measured.counts[metric][columns] for metric in CHANCED])
        values = numpy.array([measured.metrics[metric][columns] for metric in metrics])
        return cls(values, cls.against_chance(numpy.array(even), counts))

    @staticmethod
    def against_chance(even: numpy.ndarray, counts: numpy.ndarray) -> numpy.ndarray:
        """The ``chance`` of what an even head would have, and of how many queries each is, (metrics, …) both."""
        return numpy.array([even, numpy.where(counts > 0, 1 / numpy.maximum(counts, 1), math.nan)])


class LayerState(NamedTuple):
    """What is known of the selected heads of a layer so far: their metrics, (metrics, heads); and of the metrics that are
    held against chance what an even head would have, and one in how many queries each is, (2, metrics, heads)."""

    number: int
    heads: tuple[int, ...]
    measured: tuple[Metric, ...]
    metrics: Running
    chance: Running

    @classmethod
    def without_texts(cls, number: int, heads: tuple[int, ...], metrics: tuple[Metric, ...]) -> LayerState:
        """Nothing is known yet of these heads."""
        return cls(number, heads, metrics, Running((len(metrics), len(heads))), Running((2, len(CHANCED), len(heads))))

    def merged(self, other: LayerState) -> LayerState:
        """The texts of both; AttnvizError where they are of other heads."""
        require_same("layer", self.number, other.number)
        require_same("head", list(self.heads), list(other.heads))
        return self._replace(metrics=self.metrics.merged(other.metrics), chance=self.chance.merged(other.chance))

    @staticmethod
    def plus(states: Sequence[LayerState], text: OfText) -> list[LayerState]:
        """Each of these layers with one more text, of which the heads of all of them were measured, one layer's behind the other's.

        All at once: of a short text, each layer by itself costs more to begin than to compute.
        """
        metrics = Running.beside([state.metrics for state in states]).plus(text.metrics)
        chance = Running.beside([state.chance for state in states]).plus(text.chance)
        return [
            state._replace(metrics=metrics.part(columns), chance=chance.part(columns))
            for state, columns in zip(states, columns_of(states), strict=True)
        ]

    def arrays(self, prefix: str) -> dict[str, numpy.ndarray]:
        """Its numbers, by names that begin with ``prefix``."""
        parts = {"metrics": self.metrics, "chance": self.chance}
        return {
            name: one
            for part, running in parts.items()
            for name, one in running_arrays(running, f"{prefix}.{part}").items()
        }

    @classmethod
    def of_arrays(
        cls,
        arrays: Mapping[str, numpy.ndarray],
        prefix: str,
        number: int,
        heads: Sequence[int],
        metrics: tuple[Metric, ...],
        most: int,
    ) -> LayerState:
        """What ``arrays`` holds of these heads over at most so many texts; AttnvizError where that is of another shape."""
        empty = cls.without_texts(number, tuple(heads), metrics)
        return empty._replace(
            metrics=running_of(arrays, f"{prefix}.metrics", empty.metrics.count.shape, most),
            chance=running_of(arrays, f"{prefix}.chance", empty.chance.count.shape, most),
        )

    def values(self, column: int) -> dict[Metric, Value]:
        """The metrics of one of the heads."""
        return {metric: value_of(self.metrics, row, column) for row, metric in enumerate(self.measured)}

    def chances(self, column: int) -> dict[Metric, Chance]:
        """Of each metric over all texts, whose queries count as many as independent ones of the same weight would."""
        even, shares = self.chance.mean[:, :, column]
        texts = self.chance.count[1, :, column]
        return {
            metric: Chance(float(even[row]), float(texts[row] / shares[row]) if texts[row] else 0.0)
            for row, metric in enumerate(CHANCED)
        }


def columns_of(states: Sequence[OfLayer]) -> list[slice]:
    """Where the heads of each of these layers stand, one layer's behind the other's."""
    ends = list(accumulate((len(state.heads) for state in states), initial=0))
    return [slice(*ends_of_one) for ends_of_one in pairwise(ends)]
