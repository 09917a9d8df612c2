"""attnviz stats: what each head does, over one text or many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from attnviz.cli.inputs import Making, line_count, read_lines, read_trace
from attnviz.cli.options import (
    EngineOptions,
    LinesOptions,
    ModelOptions,
    PartOptions,
    RuleOptions,
    SourceOptions,
    SpecialOptions,
    StatsFormat,
    StatsOptions,
    ToyOptions,
)
from attnviz.cli.output import Terminal, chosen_format, drawn, notice, require_no_terminal, write
from attnviz.cli.progress import progress, silent
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.statistics import Statistics
    from attnviz.trace import Trace

DEFAULT_FILE = Path("heads.png")
INTERRUPTED = 130
PICTURES = (StatsFormat.PNG, StatsFormat.SVG, StatsFormat.PDF)


def stats(
    source: SourceOptions,
    lines: LinesOptions,
    toy: ToyOptions,
    model: ModelOptions,
    rule: RuleOptions,
    part: PartOptions,
    special: SpecialOptions,
    shown: StatsOptions,
    engine: EngineOptions,
) -> None:
    """Measure what each head does: how widely it looks, how far, and at what.

    Example: attnviz stats "the cat sat on the mat" --heads 4 --causal
    """
    form = _format(shown)
    making = Making(toy, rule, engine, model, special, part.layer)
    if lines.lines:
        statistics = _gathered(read_lines(source, making), part, shown, line_count(source))
    else:
        statistics = _gathered(iter([(1, read_trace(source, making))]), part, shown, 1)
    _write(statistics, form, shown)
    if statistics.partial:
        notice(f"interrupted: this is of {statistics.texts:,} texts")
        raise typer.Exit(INTERRUPTED)


def _gathered(
    traces: Iterator[tuple[int, Trace]], part: PartOptions, shown: StatsOptions, total: int | None
) -> Statistics:
    """The statistics of all traces, or of those that came before the run was interrupted."""
    from attnviz.selection import select
    from attnviz.statistics import Statistics

    statistics = Statistics(shown.near)
    try:
        with progress("texts", timed=True) as report:
            for number, trace in traces:
                rows = (lambda done, of: report("rows", done, of)) if total == 1 else silent
                statistics.add(trace, select(trace, layer=part.layer, head=part.head), rows)
                if total != 1:
                    report("texts", number, total)
    except KeyboardInterrupt:
        if not statistics.texts:
            raise
        statistics.partial = True
    return statistics


def _write(statistics: Statistics, form: StatsFormat, shown: StatsOptions) -> None:
    from attnviz.renderers import head_table

    match form:
        case StatsFormat.JSON:
            write([head_table.to_json(statistics, shown.sort)], shown.output)
        case StatsFormat.CSV:
            write([head_table.to_csv(statistics, shown.sort).encode()], shown.output)
        case StatsFormat.TABLE:
            write([Terminal(shown.output)(head_table.to_renderable(statistics, shown.sort))], shown.output)
        case _:
            assert shown.metric is not None
            from attnviz.renderers.head_map import decide

            output = shown.output or DEFAULT_FILE.with_suffix(f".{form.value}")
            write([drawn(decide(statistics, shown.metric), form.value)], output)
            if str(output) != "-":
                write([f"{output}\n".encode(errors="surrogateescape")], None)


def _format(shown: StatsOptions) -> StatsFormat:
    """The format that is asked for: a picture of one metric, or a table of all."""
    form: StatsFormat = chosen_format(
        shown.output, shown.format, StatsFormat.TABLE if shown.metric is None else StatsFormat.PNG
    )
    if form in PICTURES and shown.metric is None:
        raise UsageError("a map shows one metric, and none is named", "add --metric NAME, such as --metric entropy")
    if form not in PICTURES and shown.metric is not None:
        raise UsageError(
            f"--metric draws a map, but {form.value} holds all metrics", "leave out --metric, or use --sort"
        )
    if form in (StatsFormat.PNG, StatsFormat.PDF):
        require_no_terminal(form.value.upper(), shown.output)
    return form
