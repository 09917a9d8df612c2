"""attnviz stats: what each head does, over one text or many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from attnviz.api.selected import by_weights_alone
from attnviz.arguments import as_asked
from attnviz.choices import CONTRIBUTIONS, EFFECT, MeasuredStep
from attnviz.cli.commands.stats_across import require_shares, write_shares
from attnviz.cli.commands.stats_effect import measured_effects, require_no_effect
from attnviz.cli.commands.stats_merge import write_merged
from attnviz.cli.commands.stats_needles import measured_needles, require_no_needles
from attnviz.cli.input.by_workers import Kept, asks_for_workers, measured_corpus, require_many
from attnviz.cli.input.corpus import Corpus, are_many
from attnviz.cli.input.following import following_of
from attnviz.cli.input.gathered import end_if_partial, gather
from attnviz.cli.input.many import read_lines, require_no_batch
from attnviz.cli.input.models import path_of
from attnviz.cli.input.selected import NOTHING_SPECIAL, in_words, require_contribution, selected
from attnviz.cli.input.thresholds import quantile_shares, thresholds
from attnviz.cli.input.traces import Making, given_rule, read_trace
from attnviz.cli.options.across import AcrossOptions
from attnviz.cli.options.corpus import CorpusOptions
from attnviz.cli.options.direction import DirectionOptions
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.needles import NeedleOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions
from attnviz.cli.options.source import BatchOptions, LinesOptions, SourcesOptions
from attnviz.cli.options.stats import StatsOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.options.workers import WorkersOptions
from attnviz.cli.output.by_text import require_rows, rows_written, tell_rows
from attnviz.cli.output.formats import StatsFormat
from attnviz.cli.output.progress import progress
from attnviz.cli.output.statistics import heads_format, write_heads
from attnviz.cli.output.streams import notice
from attnviz.cli.typer_groups import Options
from attnviz.progress import Progress, no_progress

if TYPE_CHECKING:
    from attnviz.analysis.corpus import MeasuredText, Statistics
    from attnviz.renderers.stats.text_rows import Write
    from attnviz.sources.texts.corpus import CorpusText
    from attnviz.trace.trace import Trace
    from attnviz.trace.weights_of_texts import StartWeighing


OF_THE_MACHINE = ("batch", "model", "adapter", "device_map", "verify")  # not how texts are read


def stats(
    source: SourcesOptions,
    lines: LinesOptions,
    reading: BatchOptions,
    toy: ToyOptions,
    model: ModelOptions,
    rule: RuleOptions,
    part: PartOptions,
    special: SpecialOptions,
    words: WordsOptions,
    region: RegionOptions,
    direction: DirectionOptions,
    shown: StatsOptions,
    needle: NeedleOptions,
    across: AcrossOptions,
    corpus: CorpusOptions,
    by: WorkersOptions,
    engine: EngineOptions,
) -> None:
    """Measure what each head does: how widely it looks, how far, and at what.

    Example: attnviz stats "the cat sat on the mat" --heads 4 --causal
    """
    unread = (toy, rule, special, words, region, direction)
    if corpus.merge:
        write_merged(corpus, shown, (source, lines, reading, model, part, needle, across, engine, by, *unread))
        return
    if needle.needles is not None:
        measured_needles(
            source.one(), model, part, shown, needle, engine, by, (lines, reading, across, corpus, *unread)
        )
        return
    require_no_needles(needle, shown)
    require_many(by, are_many(source, lines))
    following, making = following_of(across), Making(toy, rule, engine, model, part.layer, toward=direction.toward)
    if following is not None:
        require_shares(shown, are_many(source, lines), direction, corpus)
        write_shares(read_trace(source.one(), making), following, part, words, special, region, shown)
        return
    if shown.metric == EFFECT:
        measured_effects(source, lines, model, part, shown, engine, reading, corpus, by, unread)
        return
    require_no_effect(shown)
    require_contribution(direction, shown.step in CONTRIBUTIONS)
    _measure_weights(source, lines, reading, making, part, special, words, region, shown, corpus, by)


def _measure_weights(
    source: SourcesOptions,
    lines: LinesOptions,
    reading: BatchOptions,
    making: Making,
    part: PartOptions,
    special: SpecialOptions,
    words: WordsOptions,
    region: RegionOptions,
    shown: StatsOptions,
    beside: CorpusOptions,
    by: WorkersOptions,
) -> None:
    """Measure the weights of a text, or of many, or what is contributed with them."""
    form = heads_format(shown)
    from attnviz.analysis.corpus import Statistics

    _require_merging(words, [shown.step])
    corpus = Corpus(source, lines) if are_many(source, lines) else None
    total = corpus.total if corpus is not None else None
    require_rows(beside, source, shown)
    measured = _measured(shown, beside)
    asked = _asked(making.toy, making.rule, part, special, words, region, making.model, reading)
    statistics = Statistics(**measured)
    statistics.asked = asked

    def measure(trace: Trace, report: Progress = no_progress, tell: bool = False) -> MeasuredText:
        trace = in_words(trace, words, part.layer, tell)
        return statistics.measured(trace, selected(trace, part, special, region).as_region(), report)

    def count(write: Write, text: CorpusText | None, measured: MeasuredText) -> None:
        statistics.take(measured, "" if text is None else str(text.name))
        write(statistics.rows())

    narrowing = (part.head, region.query, region.key, special.skip_special, words.words, making.toward)
    weigh = by_weights_alone(statistics, *narrowing)
    with rows_written(beside, statistics) as write:
        if corpus is not None and asks_for_workers(by):
            kept, rows = Kept(asked, measured), None if beside.by_text is None else write
            statistics = measured_corpus(corpus, making, reading, special, words, part, region, by, kept, rows)
        else:
            _add_all(measure, weigh, partial(count, write), statistics, corpus, source, making, reading)
    if special.skip_special and not statistics.skips_tokens:
        notice(NOTHING_SPECIAL)
    if form is StatsFormat.STATS:
        statistics.weights = _weights(making)
    write_heads(statistics, form, shown)
    tell_rows(beside)
    end_if_partial(statistics, total)


def _weights(making: Making) -> str:
    """A hash of the model's own files, by which two machines know that they have measured the same one; "" without a model."""
    from attnviz.corpora.fingerprint import fingerprint

    model = making.model
    return "" if model.model is None else fingerprint(model.model, {"adapter": path_of(model.adapter)})


def _measured(shown: StatsOptions, beside: CorpusOptions) -> dict[str, Any]:
    """The options of ``Statistics``."""
    return {
        "near": shown.near,
        "pool": shown.pool,
        "thresholds": thresholds(shown.threshold),
        "step": shown.step,
        "quantiles": quantile_shares(beside),
        "top_texts": beside.top_texts,
    }


def _add_all(
    measure: Callable[..., MeasuredText],
    weigh: StartWeighing | None,
    count: Callable[[CorpusText | None, MeasuredText], None],
    statistics: Statistics,
    corpus: Corpus | None,
    source: SourcesOptions,
    making: Making,
    reading: BatchOptions,
) -> None:
    """Measure and count the text, or one after the other."""
    if corpus is not None:
        read = partial(read_lines, corpus, making, reading, then=measure, weigh=weigh)
        gather(statistics, read, count, corpus.total)
        return
    require_no_batch(reading)
    trace = read_trace(source.one(), making)
    with progress("weights", timed=True, counted=False) as line:
        count(None, measure(trace, lambda done, of: line("weights", done, of), tell=True))


def _asked(*groups: Options) -> dict[str, Any]:
    """How texts are read, and which part of them is measured, by the names of options."""
    from attnviz.api.reading import usual

    given = {
        name: value
        for group in groups
        for name, value in (given_rule(group) if isinstance(group, RuleOptions) else vars(group)).items()
    }
    return as_asked(usual(given["model"]), **{name: one for name, one in given.items() if name not in OF_THE_MACHINE})


def _require_merging(words: WordsOptions, steps: Sequence[MeasuredStep]) -> None:
    """Refuse what cannot be merged into words, where they are asked for."""
    if words.words:
        from attnviz.analysis.words import require_merging

        require_merging(steps)
