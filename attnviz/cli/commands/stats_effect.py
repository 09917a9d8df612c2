"""attnviz stats --metric effect: what changes of a model's predictions when a head is taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from attnviz.arguments import as_asked
from attnviz.choices import EFFECT, NEAR, Ablation, Effect, MeasuredStep, Pool, Verify, is_tiny
from attnviz.cli.input.by_workers import asks_for_workers, loaded_with, over_corpus
from attnviz.cli.input.corpus import Corpus, are_many
from attnviz.cli.input.gathered import end_if_partial, gather
from attnviz.cli.input.many import of_lines, require_no_batch
from attnviz.cli.input.models import require_numpy
from attnviz.cli.input.predictors import read_predictor
from attnviz.cli.input.text import read_text
from attnviz.cli.input.thresholds import quantile_shares
from attnviz.cli.input.traces import require_one_source
from attnviz.cli.options.corpus import CorpusOptions
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.selection import PartOptions
from attnviz.cli.options.source import BatchOptions, LinesOptions, SourcesOptions
from attnviz.cli.options.stats import StatsOptions, among
from attnviz.cli.options.workers import WorkersOptions
from attnviz.cli.output.by_text import require_rows, rows_written, tell_rows
from attnviz.cli.output.progress import progress
from attnviz.cli.output.statistics import effects_format, effects_sort, write_effects
from attnviz.cli.output.streams import notice
from attnviz.cli.typer_groups import Options, dashed, given_options
from attnviz.errors import UsageError
from attnviz.progress import Progress, no_progress

if TYPE_CHECKING:
    from attnviz.analysis.corpus.by_text import TextRows
    from attnviz.analysis.effect_corpus import EffectStatistics
    from attnviz.corpora.effect_job import EffectJob
    from attnviz.renderers.stats.text_rows import Write
    from attnviz.trace.ablation import Answer, PredictedText


def measured_effects(
    source: SourcesOptions,
    lines: LinesOptions,
    model: ModelOptions,
    part: PartOptions,
    shown: StatsOptions,
    engine: EngineOptions,
    reading: BatchOptions,
    beside: CorpusOptions,
    by: WorkersOptions,
    unread: Iterable[Options],
) -> None:
    """Measure what each head does to the predictions; ``unread`` are options that it does not read."""
    form, sort, shares = effects_format(shown), effects_sort(shown), quantile_shares(beside)
    require_one_source(source, model)
    _require_a_model(source, model, shown, reading, unread)
    require_rows(beside, source, shown)
    corpus = Corpus(source, lines) if are_many(source, lines) else None
    if corpus is None:
        require_no_batch(reading)
    from attnviz.analysis.effect_corpus import EffectStatistics
    from attnviz.sources.texts.length import Length

    measured: dict[str, Any] = {"ablation": shown.ablate, "quantiles": shares, "top_texts": beside.top_texts}
    statistics = EffectStatistics(**measured)
    how: dict[str, Any] = {name: getattr(model, name) for name in ("target", "chat", "pair")}
    how |= {"max_length": reading.max_length, "cut": reading.cut}
    statistics.asked = as_asked(layer=part.layer, head=part.head, answer=shown.answer, **how)
    total = None if corpus is None else corpus.total
    with rows_written(beside, statistics) as write:
        if corpus is not None and asks_for_workers(by):
            job = _job(model, engine, part, shown, how, measured, statistics.asked, beside.by_text is not None)
            statistics = over_corpus(job, corpus, by, Length(reading.max_length, reading.cut), write)
        else:
            predictor = read_predictor(model, engine)
            answer = None if shown.answer is None else predictor.answer(shown.answer)
            add = partial(_add, statistics, answer, part)
            _add_all(partial(predictor.read, **how), statistics, add, write, corpus, source)
            for said in predictor.told():
                notice(said)
    write_effects(statistics, form, sort, shown)
    tell_rows(beside)
    end_if_partial(statistics, total)


def _job(
    model: ModelOptions,
    engine: EngineOptions,
    part: PartOptions,
    shown: StatsOptions,
    how: Mapping[str, Any],
    measured: Mapping[str, Any],
    asked: Mapping[str, Any],
    by_text: bool,
) -> EffectJob:
    """What workers are told to measure."""
    from attnviz.corpora.effect_job import EffectJob

    if is_tiny(model.model):
        require_numpy(model, engine)
    layers, heads = tuple(part.layer), tuple(part.head)
    return EffectJob(
        model.model, loaded_with(model, engine), how, layers, heads, shown.answer, measured, asked, by_text
    )


def _add_all(
    read: Callable[[str], PredictedText],
    statistics: EffectStatistics,
    add: Callable[..., TextRows],
    write: Write,
    corpus: Corpus | None,
    source: SourcesOptions,
) -> None:
    """Add the text, or one after the other."""
    if corpus is None:
        text = read(read_text(source.one()))
        with progress("heads", timed=True) as line:
            write(add(text, report=lambda done, of: line("heads", done, of)))
        return
    gather(
        statistics,
        lambda failed, _: of_lines(corpus, read, failed),
        lambda of, text: write(add(text, of.name)),
        corpus.total,
    )


def _add(
    statistics: EffectStatistics,
    answer: Answer | None,
    part: PartOptions,
    text: PredictedText,
    name: object = "",
    report: Progress = no_progress,
) -> TextRows:
    """Measure the effects on one more text, which is called ``name``; its rows."""
    from attnviz.analysis.effects import measure_effects

    found = measure_effects(text, answer, statistics.ablation, layer=part.layer, head=part.head, report=report)
    statistics.add(found, str(name))
    return statistics.rows()


def require_no_effect(shown: StatsOptions) -> None:
    """Refuse what only --metric effect understands."""
    given = {"answer": shown.answer is not None, "ablate": shown.ablate is not Ablation.MEAN}
    for name in (name for name, is_given in given.items() if is_given):
        raise UsageError("--{name} is for --metric {effect}", "add --metric {effect}", name=name, effect=EFFECT)
    if (effect := among(Effect, shown.sort)) is not None:
        raise UsageError(
            "--sort {sort} is for --metric {effect}", "add --metric {effect}", sort=effect.value, effect=EFFECT
        )


def _require_a_model(
    source: SourcesOptions, model: ModelOptions, shown: StatsOptions, reading: BatchOptions, unread: Iterable[Options]
) -> None:
    """Refuse what is no text that a model reads, and what chooses among its weights."""
    if source.from_ is not None:
        raise UsageError(
            "--from brings what a model has computed, and --metric {effect} runs the model again",
            "give the text, and --model DIR_OR_ID",
            effect=EFFECT,
        )
    if model.model is None:
        raise UsageError(
            "--metric {effect} takes heads away from a model that predicts, and a toy predicts nothing",
            "add --model DIR_OR_ID",
            effect=EFFECT,
        )
    given: dict[str, object] = {name: True for group in unread for name in given_options(group)}
    given |= {
        "image": model.image,
        "near": shown.near != NEAR,
        "pool": shown.pool is not Pool.MEAN,
    }
    given |= {
        "verify": model.verify is not Verify.SAMPLE,
        "step": shown.step is not MeasuredStep.WEIGHTS,
        "threshold": bool(shown.threshold),
    }
    if reading.batch is not None:
        raise UsageError(
            "--batch is for weights: --metric {effect} runs many heads of one text at once",
            "leave out --batch",
            effect=EFFECT,
        )
    for name in (name for name, value in given.items() if value):
        raise UsageError(
            "--{name} means nothing to --metric {effect}", "leave out --{name}", name=dashed(name), effect=EFFECT
        )
