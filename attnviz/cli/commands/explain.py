"""attnviz explain: every step of attention as tables, or as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from attnviz.choices import Step
from attnviz.cli.input.selected import first_layer, require_whole, say_if_nothing_hidden, selected
from attnviz.cli.input.traces import Making, named_line, read_lines, read_trace
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.explain import TableOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions, SpecialOptions
from attnviz.cli.options.source import LinesOptions, SourceOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.files import save_trace, write
from attnviz.cli.output.formats import TableFormat, chosen_format
from attnviz.cli.output.progress import progress
from attnviz.cli.output.terminal import Terminal
from attnviz.errors import UsageError
from attnviz.progress import Progress, no_progress

if TYPE_CHECKING:
    from attnviz.renderers.explain.document import Heading, Section
    from attnviz.trace.selection import Selection
    from attnviz.trace.trace import Trace

    Render = Callable[[int, Trace], Iterable[bytes]]


def explain(
    source: SourceOptions,
    lines: LinesOptions,
    toy: ToyOptions,
    model: ModelOptions,
    rule: RuleOptions,
    part: PartOptions,
    special: SpecialOptions,
    table: TableOptions,
    engine: EngineOptions,
) -> None:
    """Show what attention computes, step by step, with real numbers.

    Example: attnviz explain "Your journey starts" --causal
    """
    making = Making(toy, rule, engine, model, part.layer)
    form = chosen_format(table.output, table.format, TableFormat.TABLE)
    if form is TableFormat.CSV and table.step == [Step.PROJECTIONS]:
        raise UsageError("CSV has no projections", "take --format json")
    if table.top is not None and form not in (TableFormat.TABLE, TableFormat.MARKDOWN):
        raise UsageError(
            f"--top is for tables, and {form.value} holds every key",
            "sort the rows of --query @N --step weights --format csv by their value",
        )
    if form is TableFormat.SAFETENSORS:
        require_whole(model, part, special, table)
        if lines.lines:
            raise UsageError("a .safetensors file holds one trace, --lines makes many", "leave out --lines")
        save_trace(read_trace(source, making), table.output)
        return
    if form is TableFormat.JSON and (table.query or table.key):
        raise UsageError(
            "--query and --key choose rows of a table; JSON always holds all", "pick them with jq, or take --format csv"
        )
    if form in (TableFormat.TABLE, TableFormat.MARKDOWN) and table.query and table.key and table.step:
        raise UsageError(
            "--query with --key writes out the arithmetic of all steps", "leave out --step, or one of the two"
        )
    render = _renderer(form, part, special, table, lines.lines)
    traces = read_lines(source, making) if lines.lines else iter([(0, read_trace(source, making))])
    write(_rendered(traces, render), table.output)


def _rendered(traces: Iterator[tuple[int, Trace]], render: Render) -> Iterator[bytes]:
    """The output of each trace in one piece: what fails half-way has printed none of it."""
    for number, trace in traces:
        with named_line(number) if number else nullcontext():
            piece = b"".join(render(number, trace))
        yield piece


def _renderer(
    form: TableFormat, part: PartOptions, special: SpecialOptions, table: TableOptions, lines: bool
) -> Render:
    """What turns a trace (and the number of its line) into pieces of output in the format ``form``."""

    def chosen(trace: Trace, **words: Any) -> Selection:
        selection = selected(trace, part, special, step=table.step, query=table.query, key=table.key, **words)
        if not lines:
            say_if_nothing_hidden(selection, special)
        return selection

    if form is TableFormat.JSON:
        from attnviz.renderers.data.records import to_json

        return lambda _, trace: [to_json(trace, chosen(trace))]
    if form is TableFormat.CSV:
        from attnviz.renderers.data.csv_rows import csv_header, to_csv

        headers = iter([csv_header(lines)])
        return lambda number, trace: [
            next(headers, "").encode() + to_csv(trace, chosen(trace), number if lines else None).encode()
        ]

    from attnviz.renderers.explain.sections import explain
    from attnviz.renderers.shared.matrix import Looks
    from attnviz.text.lessons import lessons

    looks = Looks(lessons(table.lang), table.precision, table.max_tokens, table.quiet, table.top)

    def parts(trace: Trace) -> Iterator[Heading | Section]:
        selection = chosen(trace, layer=part.layer or first_layer(trace))
        with _reported(selection) as report:
            yield from explain(trace, selection, looks, report)

    if form is TableFormat.MARKDOWN:
        from attnviz.renderers.explain.markdown import to_markdown

        return lambda _, trace: [to_markdown(parts(trace)).encode()]

    from attnviz.renderers.explain.tables import to_renderable

    terminal = Terminal(table.output)
    return lambda _, trace: (terminal(to_renderable(one)) for one in parts(trace))


@contextmanager
def _reported(selection: Selection) -> Iterator[Progress]:
    """How far a long text is; a short one is shown at once."""
    from attnviz.trace.selection import is_long

    if not any(is_long(part.layer) for part in selection.layers):
        yield no_progress
        return
    with progress("weights", timed=True, counted=False) as report:
        yield lambda done, of: report("weights", done, of)
