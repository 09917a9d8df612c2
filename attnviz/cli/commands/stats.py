"""attnviz stats: what each head does, over one text or many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

from attnviz.cli.input.selected import NOTHING_SPECIAL, selected
from attnviz.cli.input.text import line_count
from attnviz.cli.input.thresholds import thresholds
from attnviz.cli.input.traces import NAMED_LINE, Making, named_line, read_lines, read_trace
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions
from attnviz.cli.options.source import LinesOptions, SourceOptions
from attnviz.cli.options.stats import StatsOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.files import deliver, drawn
from attnviz.cli.output.formats import HEADS_FILE, PICTURES, StatsFormat, chosen_format
from attnviz.cli.output.progress import progress
from attnviz.cli.output.streams import notice
from attnviz.cli.output.terminal import Terminal, require_no_terminal, visible_json
from attnviz.errors import INTERRUPTED, AttnvizError, ChoiceError, UsageError
from attnviz.progress import Progress, no_progress
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.analysis.corpus import Statistics
    from attnviz.trace.trace import Trace

    Failed = Callable[[int, AttnvizError], None]
    Read = Callable[[Failed], Iterator[tuple[int, Trace]]]


def stats(
    source: SourceOptions,
    lines: LinesOptions,
    toy: ToyOptions,
    model: ModelOptions,
    rule: RuleOptions,
    part: PartOptions,
    special: SpecialOptions,
    region: RegionOptions,
    shown: StatsOptions,
    engine: EngineOptions,
) -> None:
    """Measure what each head does: how widely it looks, how far, and at what.

    Example: attnviz stats "the cat sat on the mat" --heads 4 --causal
    """
    form = _format(shown)
    from attnviz.analysis.corpus import Statistics

    making = Making(toy, rule, engine, model, part.layer)
    total = line_count(source) if lines.lines else None
    statistics = Statistics(shown.near, shown.pool, thresholds=thresholds(shown.threshold), step=shown.step)

    def add(trace: Trace, report: Progress = no_progress) -> None:
        statistics.add(trace, selected(trace, part, special, region).as_region(), report)

    if lines.lines:
        _gather(statistics, lambda failed: read_lines(source, making, failed), add, total)
    else:
        trace = read_trace(source, making)
        with progress("weights", timed=True, counted=False) as line:
            add(trace, lambda done, of: line("weights", done, of))
    if special.skip_special and not statistics.skips_tokens:
        notice(NOTHING_SPECIAL)
    _write(statistics, form, shown)
    if statistics.partial:
        notice(
            Message(
                "interrupted after {texts:,} of {total:,} texts" if total else "interrupted after {texts:,} texts",
                texts=statistics.texts,
                total=total or 0,
            )
        )
        raise typer.Exit(INTERRUPTED)


def _gather(statistics: Statistics, read: Read, add: Callable[[Trace], None], total: int | None) -> None:
    """Add the traces that ``read`` brings: all that can be made, or those that come before the run is interrupted.

    A text that cannot be read is skipped, with a notice; where none can be, the error of the first is raised.
    """
    errors: list[AttnvizError] = []

    def skip(number: int, error: AttnvizError) -> None:
        if isinstance(error, UsageError | ChoiceError):  # no other text would do better
            raise error
        errors.append(error)
        statistics.skipped += 1
        named = error.message.template == NAMED_LINE
        why = error.message.values["said"] if named else error.message
        notice(Message("line {number} skipped: {why}", number=number, why=why))

    try:
        with progress("texts", timed=True) as line:
            for number, trace in read(skip):
                try:
                    with named_line(number):
                        add(trace)
                except AttnvizError as error:
                    skip(number, error)
                line("texts", statistics.texts + statistics.skipped, total)
    except KeyboardInterrupt:
        if not statistics.texts:
            raise
        statistics.partial = True
    if not statistics.texts:
        raise errors[0]


def _write(statistics: Statistics, form: StatsFormat, shown: StatsOptions) -> None:
    from attnviz.text.lessons import lessons

    output = shown.output
    match form:
        case StatsFormat.JSON:
            from attnviz.renderers.stats.head_json import to_json

            piece = to_json(statistics, shown.sort)
        case StatsFormat.CSV:
            from attnviz.renderers.stats.head_csv import to_csv

            piece = to_csv(statistics, shown.sort).encode()
        case StatsFormat.TABLE:
            from attnviz.renderers.stats.head_table import to_renderable

            piece = Terminal(output)(to_renderable(statistics, shown.sort, lessons(shown.lang)))
        case _:
            assert shown.metric is not None
            from attnviz.renderers.stats.head_map import decide

            piece = drawn(decide(statistics, shown.metric, words=lessons(shown.lang)), form.value)
            output = output or HEADS_FILE.with_suffix(f".{form.value}")
    deliver(visible_json([piece], output) if form is StatsFormat.JSON else [piece], output)


def _format(shown: StatsOptions) -> StatsFormat:
    """The format that is asked for: a picture of one metric, or a table of all."""
    form = chosen_format(shown.output, shown.format, StatsFormat.TABLE if shown.metric is None else StatsFormat.PNG)
    if form in PICTURES and shown.metric is None:
        raise UsageError("a map shows one metric, and none is named", "add --metric NAME, such as --metric entropy")
    if form not in PICTURES and shown.metric is not None:
        raise UsageError(
            "--metric draws a map, but {form} holds all metrics", "leave out --metric, or use --sort", form=form.value
        )
    if form in (StatsFormat.PNG, StatsFormat.PDF):
        require_no_terminal(form.value.upper(), shown.output)
    return form
