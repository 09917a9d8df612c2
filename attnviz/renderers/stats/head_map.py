"""One metric of all heads as a map of layers × heads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import numpy

from attnviz.analysis.corpus import Head, Statistics
from attnviz.analysis.metrics import Metric
from attnviz.choices import MapStep, MeasuredStep, Pool
from attnviz.errors import AttnvizError
from attnviz.renderers.heatmap.picture import Panel, Picture
from attnviz.renderers.shared.facts import layer_name
from attnviz.renderers.shared.scale import Scale
from attnviz.renderers.stats.facts import SHARES, facts, over
from attnviz.renderers.stats.sections import head_word
from attnviz.text.lessons import Lessons, lessons


def decide(statistics: Statistics, metric: Metric, title: str | None = None, words: Lessons | None = None) -> Picture:
    """The picture: one row per layer, one column per head; a head that is not there, or has no value, is a hidden cell.

    ``words`` are in the language of the reader; None: in English. AttnvizError where no head has a value.
    """
    words = words or lessons()
    picture = head_map(statistics.heads(), metric, over(metric, words), words)
    return picture._replace(
        title=title or _title(metric, statistics.pool, words),
        subtitle=facts(statistics, words),
        measure=_measure(metric, statistics.step, words),
    )


def head_map(heads: Sequence[Head], metric: StrEnum, over: str, words: Lessons) -> Picture:
    """The map of ``metric``, still without a title; ``over`` is what it is over, where that is nothing."""
    values, layers, numbers = _values(heads, metric)
    if (values == -math.inf).all():
        raise AttnvizError(
            "no head has a value for {metric}: it is over {over}, and there are none",
            "see which metrics have values with attnviz stats, without --metric",
            metric=metric.value,
            over=over,
        )
    largest = float(values.max(initial=0.0, where=values > -math.inf))
    return Picture(
        title="",
        subtitle="",
        panels=(Panel("", 0, values),),
        queries=tuple(layer_name(layer, words) for layer in layers),
        keys=tuple(head_word(number, words) for number in numbers),
        step=MapStep.WEIGHTS,
        scale=Scale(0.0, largest or 1.0, largest),
        hidden=bool((values == -math.inf).any()),
        axes=(words.say("stats.layer"), words.say("stats.head")),
        blank=words.say("stats.unknown"),
    )


def _values(heads: Sequence[Head], metric: StrEnum) -> tuple[numpy.ndarray, list[str], list[int | None]]:
    """The means, (layers, heads), −∞ where there is none; the titles of the layers, and the numbers of the heads."""
    layers = list(dict.fromkeys(head.layer for head in heads))
    numbers = sorted({head.head for head in heads}, key=lambda number: number or 0)
    values = numpy.full((len(layers), len(numbers)), -math.inf)
    for head in heads:
        mean = head.values[metric].mean
        values[layers.index(head.layer), numbers.index(head.head)] = -math.inf if math.isnan(mean) else mean
    return values, layers, numbers


def _measure(metric: Metric, step: MeasuredStep, words: Lessons) -> str:
    """What the colours say beside the title, which names the metric: the unit."""
    if metric.unit in SHARES:
        return words.say(f"picture.measure_{step.value}") if metric.unit == "weight" else ""
    return words.say(f"unit.{metric.unit}")


def _title(metric: Metric, pool: Pool, words: Lessons) -> str:
    title = words.say(f"metric.{metric.value}")
    return words.say("stats.map_of_largest", title=title) if pool is Pool.MAX else title
