"""What is said of statistics beside their numbers: of what they are, and how to read them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attnviz.analysis.corpus import Region, Statistics
from attnviz.analysis.metrics import Metric
from attnviz.choices import Pool
from attnviz.renderers.shared import numbers
from attnviz.text.lessons import Lessons
from attnviz.trace.origin import exactness

EVERY_QUERY = Metric.ENTROPY  # a metric that has a value for every query that sees a key
SHARES = ("weight", "share")  # units that a person needs not be told


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


def reading(statistics: Statistics, lessons: Lessons) -> str:
    """What a number is made of, and its unit."""
    say = lessons.say
    name = "stats.largest" if statistics.pool is Pool.MAX else "stats.mean"
    middle = say(name, queries=over(EVERY_QUERY, lessons))
    if statistics.texts > 1:
        middle += say("stats.texts")
    units = [
        say("stats.unit", metric=metric.value, unit=say(f"unit.{metric.unit}"))
        for metric in Metric
        if metric.unit not in SHARES
    ]
    words = [middle, ", ".join([*units, say("stats.near", near=statistics.near), say("stats.shares")])]
    if statistics.left_out is not None:
        words.append(say("stats.region" if statistics.regions else "stats.hidden"))
    return "; ".join(words)


def over(metric: Metric, lessons: Lessons) -> str:
    """Over which queries of a text ``metric`` is."""
    return lessons.say(f"metric.{metric.value}_over")


def footnotes(metrics: Iterable[Metric], lessons: Lessons) -> list[str]:
    """For each of ``metrics`` that leaves queries out, over which it is."""
    return [
        lessons.say("stats.over", metric=metric.value, queries=over(metric, lessons))
        for metric in metrics
        if over(metric, lessons) != over(EVERY_QUERY, lessons)
    ]


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
