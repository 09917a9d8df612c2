"""Statistics of heads as stats writes them: a table, data, a picture of one metric, or the file that is merged later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.choices import EFFECT
from attnviz.cli.options.stats import StatsOptions, among
from attnviz.cli.output.files import deliver, drawn
from attnviz.cli.output.formats import BINARY, HEADS_FILE, PICTURES, StatsFormat, chosen_format
from attnviz.cli.output.terminal import Terminal, require_no_terminal, visible_json
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.analysis.corpus import Statistics
    from attnviz.analysis.effect_corpus import EffectStatistics
    from attnviz.choices import Effect


def heads_format(shown: StatsOptions) -> StatsFormat:
    """The format that is asked for: a picture of one metric, or a table of all."""
    form = chosen_format(shown.output, shown.format, StatsFormat.TABLE if shown.metric is None else StatsFormat.PNG)
    if form in PICTURES and shown.metric is None:
        raise UsageError("a map shows one metric, and none is named", "add --metric NAME, such as --metric entropy")
    if form not in PICTURES and shown.metric is not None:
        raise UsageError(
            "--metric draws a map, but {form} holds all metrics", "leave out --metric, or use --sort", form=form.value
        )
    return _away_from_terminal(form, shown)


def effects_format(shown: StatsOptions) -> StatsFormat:
    """The format that is asked for of effects, of which one need not be named."""
    return _away_from_terminal(chosen_format(shown.output, shown.format, StatsFormat.TABLE), shown)


def _away_from_terminal(form: StatsFormat, shown: StatsOptions) -> StatsFormat:
    if form in BINARY:
        require_no_terminal(form.value.upper(), shown.output)
    return form


def effects_sort(shown: StatsOptions) -> Effect | None:
    """The effect that sorts heads; UsageError where a metric of weights is named."""
    from attnviz.choices import Effect

    effect = among(Effect, shown.sort)
    if effect is None and shown.sort is not None:
        raise UsageError(
            "--sort {sort} is for weights: --metric {effect} is sorted by {effects}",
            "choose one of these",
            sort=shown.sort.value,
            effect=EFFECT,
            effects=", ".join(Effect),
        )
    return effect


def write_heads(statistics: Statistics, form: StatsFormat, shown: StatsOptions) -> None:
    """Write the metrics of weights."""
    from attnviz.analysis.metrics import Metric
    from attnviz.text.lessons import lessons

    output, sort = shown.output, among(Metric, shown.sort)
    match form:
        case StatsFormat.JSON:
            from attnviz.renderers.stats.head_json import to_json

            piece = to_json(statistics, sort)
        case StatsFormat.CSV:
            from attnviz.renderers.stats.head_csv import to_csv

            piece = to_csv(statistics, sort).encode()
        case StatsFormat.TABLE:
            from attnviz.renderers.stats.head_table import to_renderable

            piece = Terminal(output)(to_renderable(statistics, sort, lessons(shown.lang)))
        case StatsFormat.STATS:
            piece = statistics.to_bytes()
        case _:
            metric = among(Metric, shown.metric)
            assert metric is not None
            from attnviz.renderers.stats.head_map import decide

            piece = drawn(decide(statistics, metric, words=lessons(shown.lang)), form.value)
            output = output or HEADS_FILE.with_suffix(f".{form.value}")
    deliver(visible_json([piece], output) if form is StatsFormat.JSON else [piece], output)


def write_effects(statistics: EffectStatistics, form: StatsFormat, sort: Effect | None, shown: StatsOptions) -> None:
    """Write what changes without each head."""
    from attnviz.text.lessons import lessons

    output, words = shown.output, lessons(shown.lang)
    match form:
        case StatsFormat.JSON:
            from attnviz.renderers.effects.effect_json import to_json

            deliver(visible_json([to_json(statistics, sort)], output), output)
        case StatsFormat.CSV:
            from attnviz.renderers.stats.head_csv import to_csv

            deliver([to_csv(statistics, sort).encode()], output)
        case StatsFormat.TABLE:
            from attnviz.renderers.effects.effect_table import to_renderable

            deliver([Terminal(output)(to_renderable(statistics, sort, words))], output)
        case StatsFormat.STATS:
            deliver([statistics.to_bytes()], output)
        case _:
            from attnviz.renderers.effects.effect_map import decide, usual

            picture = decide(statistics, sort or usual(shown.answer is not None), words=words)
            deliver([drawn(picture, form.value)], output or HEADS_FILE.with_suffix(f".{form.value}"))
