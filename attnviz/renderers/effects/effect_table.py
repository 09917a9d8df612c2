"""The effects of heads, as a table for a person."""

from __future__ import annotations

import math

from rich.console import Group

from attnviz.analysis.corpus import Head, Value
from attnviz.analysis.effect_corpus import EffectStatistics
from attnviz.choices import Effect
from attnviz.renderers.effects.facts import facts, footnotes, reading
from attnviz.renderers.shared.facts import layer_name
from attnviz.renderers.shared.matrix import Matrix
from attnviz.renderers.stats.head_table import UNKNOWN, Told, as_table, number, quantiles, read_so, tints
from attnviz.renderers.stats.sections import skipped_lines, top_lines
from attnviz.text.lessons import Lessons, lessons

NOISE = 1e-6  # in single precision, texts side by side are rounded otherwise than alone: no number that small is told


def to_renderable(statistics: EffectStatistics, sort: Effect | None, words: Lessons | None = None) -> Group:
    """One row per head, one column per effect, each column tinted from its smallest value to its largest.

    ``words`` are in the language of the reader; None: in English.
    """
    return as_table(told(statistics, sort, words or lessons()))


def told(statistics: EffectStatistics, sort: Effect | None, words: Lessons) -> Told:
    """What the table of ``statistics`` says."""
    return Told(
        facts(statistics, words),
        read_so(reading(statistics, words), statistics, words),
        _matrix(statistics, sort, words),
        names=[],
        footnotes=footnotes(statistics, words),
        more=(top_lines(statistics, statistics.metrics, words), skipped_lines(statistics, words)),
    )


def _matrix(statistics: EffectStatistics, sort: Effect | None, words: Lessons) -> Matrix:
    heads, effects = statistics.heads(sort), statistics.metrics
    return Matrix(
        corner=words.say("stats.head"),
        rows=[f"{layer_name(head.layer, words)} · {head.head}" for head in heads],
        columns=[effect.value for effect in effects],
        cells=[_cells(head, effects, statistics.texts > 1) for head in heads],
        tints=tints([[head.values[effect].mean for effect in effects] for head in heads]),
    )


def _cells(head: Head, effects: tuple[Effect, ...], several: bool) -> list[str]:
    return [
        _cell(head.values[effect], several, effect is not Effect.KL) + quantiles(head, effect, several, _number)
        for effect in effects
    ]


def _cell(value: Value, several: bool, signed: bool) -> str:
    """A change with its sign; with its deviation where there are ``several`` texts."""
    if math.isnan(value.mean):
        return UNKNOWN
    text = ("+" if signed and value.mean > NOISE else "") + _number(value.mean)
    return f"{text} ± {_number(value.deviation)}" if several and not math.isnan(value.deviation) else text


def _number(value: float) -> str:
    return number(0.0 if abs(value) <= NOISE else value)
