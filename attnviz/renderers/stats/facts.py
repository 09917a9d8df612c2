"""What is said of statistics beside their numbers: of what they are, and how to read them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attnviz.analysis.corpus import Region, Statistics
from attnviz.analysis.metrics import Metric
from attnviz.choices import CONTRIBUTIONS, OUTPUT, Pool
from attnviz.renderers.shared.facts import exactness, keys, left_out, merged, queries, row_sums, sampled
from attnviz.renderers.shared.labels import name
from attnviz.text.lessons import Lessons
from attnviz.trace.origin import Origin

EVERY_QUERY = Metric.ENTROPY  # a metric that has a value for every query that sees a key
SHARES = ("weight", "share")  # units that a person needs not be told


def facts(statistics: Statistics, lessons: Lessons) -> str:
    """One line: of what the numbers are, and whether something is missing."""
    say = lessons.say
    whose = "stats.left_out" if statistics.regions else "picture.left_out"
    whose += "_contribution" * (statistics.step in CONTRIBUTIONS)
    parts = [
        _contribution(statistics, lessons),
        exactness(statistics.model, statistics.error, lessons),
        sampled(statistics.sampled, lessons),
        say("stats.count_texts", count=f"{statistics.texts:,}"),
        say("stats.count_tokens", count=f"{statistics.tokens:,}"),
        say("stats.skipped", count=f"{statistics.skipped:,}") if statistics.skipped else "",
        merged(Origin(statistics.source), lessons),
        *_region(statistics.regions, lessons),
        left_out(statistics.left_out, lessons, whose),
        row_sums(Origin(statistics.source), lessons) if statistics.texts == 1 else "",
        say("stats.partial") if statistics.partial else "",
    ]
    return " · ".join(filter(None, parts))


def _contribution(statistics: Statistics, lessons: Lessons) -> str:
    """That contributions are measured, of each head or of all, and along what; "" where it is weights."""
    if statistics.step not in CONTRIBUTIONS:
        return ""
    step = statistics.step.value
    if statistics.toward in ("", OUTPUT):
        return lessons.say(f"stats.of_{step}_output" if statistics.toward else f"stats.of_{step}")
    return lessons.say(f"stats.of_{step}_toward", token=name(statistics.toward))


def reading(statistics: Statistics, lessons: Lessons) -> str:
    """What a number is made of, and its unit."""
    say = lessons.say
    name = "stats.largest" if statistics.pool is Pool.MAX else "stats.mean"
    middle = say(name, queries=over(EVERY_QUERY, lessons))
    if statistics.texts > 1:
        middle += say("stats.texts")
    units = [
        say("stats.unit", metric=metric.value, unit=say(f"unit.{metric.unit}"))
        for metric in statistics.metrics
        if metric.unit not in SHARES
    ]
    near = [say("stats.near", near=statistics.near)] if Metric.NEAR in statistics.metrics else []
    shares = "stats.shares_of_contribution" if statistics.step in CONTRIBUTIONS else "stats.shares"
    words = [middle, ", ".join([*units, *near, say(shares)])]
    if statistics.left_out is not None:
        words.append(say("stats.region" if statistics.regions else "stats.hidden"))
    return "; ".join(words)


def over(metric: Metric, lessons: Lessons) -> str:
    """Over which queries of a text ``metric`` is."""
    return lessons.say(f"metric.{metric.value}_over")


def footnotes(metrics: Iterable[Metric], lessons: Lessons) -> list[str]:
    """What each of ``metrics`` is; of one that leaves queries out, over which it is, too."""
    return [_footnote(metric, lessons) for metric in metrics]


def _footnote(metric: Metric, lessons: Lessons) -> str:
    queries, title = over(metric, lessons), lessons.say(f"metric.{metric.value}")
    if queries == over(EVERY_QUERY, lessons):
        return lessons.say("stats.titled", metric=metric.value, title=title)
    return lessons.say("stats.over", metric=metric.value, title=title, queries=queries)


def _region(regions: Collection[Region], lessons: Lessons) -> list[str]:
    """What was looked at of the texts, where that was not all: the same of each, or several."""
    if len(regions) > 1:
        return [lessons.say("stats.regions", count=f"{len(regions):,}")]
    return [
        ", ".join(tell(side, lessons) for tell, side in zip((queries, keys), region, strict=True) if side is not None)
        for region in regions
    ]
