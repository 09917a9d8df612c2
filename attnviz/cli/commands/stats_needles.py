"""attnviz stats --needles: which heads look at a needle while a model copies it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from attnviz.choices import NEEDLE_WORDS, is_tiny
from attnviz.cli.input.by_workers import asks_for_workers, loaded_with, over, require_cluster
from attnviz.cli.input.models import require_numpy
from attnviz.cli.input.text import read_text
from attnviz.cli.input.thresholds import thresholds
from attnviz.cli.input.traces import require_one_source
from attnviz.cli.input.writers import read_writer
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.needles import NeedleOptions
from attnviz.cli.options.selection import PartOptions
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.stats import StatsOptions
from attnviz.cli.options.workers import WorkersOptions
from attnviz.cli.output.files import deliver
from attnviz.cli.output.formats import TABLES, StatsFormat, chosen_format
from attnviz.cli.output.progress import progress
from attnviz.cli.output.streams import notice
from attnviz.cli.output.terminal import Terminal, visible_json
from attnviz.cli.typer_groups import Options, dashed, given_options
from attnviz.errors import INTERRUPTED, UsageError
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.analysis.retrieval import RetrievalStatistics

READ = ("model", "device_map", "adapter", "text", "file", "lang", "output", "format", "threshold")


def measured_needles(
    source: SourceOptions,
    model: ModelOptions,
    part: PartOptions,
    shown: StatsOptions,
    needle: NeedleOptions,
    engine: EngineOptions,
    by: WorkersOptions,
    unread: Iterable[Options],
) -> None:
    """Have the model copy needles, and measure its heads meanwhile; ``unread`` are options that this does not read."""
    from attnviz.analysis.head_names import HeadName
    from attnviz.analysis.retrieval import ask, require_copies
    from attnviz.corpora.needle_job import NeedleJob

    if model.model is None:
        raise UsageError("--needles asks a model to write, and a toy writes nothing", "add --model DIR_OR_ID")
    require_one_source(source, model)
    _require_read((source, model, shown, *unread))
    form = chosen_format(shown.output, shown.format, StatsFormat.TABLE)
    if form not in TABLES:
        raise UsageError(
            "--needles has no format {form}", "leave out --format {form}, or name another suffix", form=form.value
        )
    least = thresholds(shown.threshold)
    for name in set(least) - {HeadName.RETRIEVAL}:
        raise UsageError("--threshold {name} means nothing to --needles", "leave it out", name=name.value)
    require_cluster(by)
    haystack = None if source.text is None and source.file is None else read_text(source)
    if is_tiny(model.model):
        require_numpy(model, engine)
    words = tuple(needle.needle_words or (NEEDLE_WORDS,))
    layers, heads = tuple(part.layer), tuple(part.head)
    threshold = least.get(HeadName.RETRIEVAL, HeadName.RETRIEVAL.threshold)
    made = loaded_with(model, engine)
    job = NeedleJob(model.model, made, needle.needles or 0, words, haystack, threshold, layers, heads)
    if asks_for_workers(by):
        statistics = over(job, job.texts(), by, len(job.hidden))
    else:
        statistics, write = job.statistics(), read_writer(model, engine, copies=True)
        with progress("needles", timed=True) as line:
            ask(statistics, write, job.hidden, layers, heads, lambda done, of: line("needles", done, of))
    if not statistics.partial:
        require_copies(statistics)
    _write(statistics, form, shown)
    if statistics.partial:
        notice(Message("interrupted after {done:,} of {all:,} needles", done=statistics.texts, all=len(job.hidden)))
        raise typer.Exit(INTERRUPTED)


def require_no_needles(needle: NeedleOptions, shown: StatsOptions) -> None:
    """Refuse what only --needles understands."""
    from attnviz.analysis.head_names import HeadName

    if needle.needle_words:
        raise UsageError("--needle-words is for --needles", "add --needles N")
    if HeadName.RETRIEVAL in thresholds(shown.threshold):
        raise UsageError("--threshold retrieval is for --needles", "add --needles N")


def _require_read(groups: Iterable[Options]) -> None:
    """Refuse options that are given, and that --needles does not read."""
    for group in groups:
        for name in (name for name in given_options(group) if name not in READ):
            raise UsageError("--{name} means nothing to --needles", "leave out --{name}", name=dashed(name))


def _write(statistics: RetrievalStatistics, form: StatsFormat, shown: StatsOptions) -> None:
    from attnviz.text.lessons import lessons

    output = shown.output
    match form:
        case StatsFormat.JSON:
            from attnviz.renderers.retrieval.retrieval_json import to_json

            deliver(visible_json([to_json(statistics)], output), output)
        case StatsFormat.CSV:
            deliver([statistics.to_csv().encode()], output)
        case _:
            from attnviz.renderers.retrieval.retrieval_table import to_renderable

            deliver([Terminal(output)(to_renderable(statistics, lessons(shown.lang)))], output)
