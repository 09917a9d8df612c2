"""attnviz explain: every step of attention as tables, or as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from attnviz.choices import CONTRIBUTIONS, Step
from attnviz.cli.input.corpus import Corpus, are_many
from attnviz.cli.input.many import named_text, read_lines, require_no_batch
from attnviz.cli.input.selected import (
    first_layer,
    in_words,
    require_contribution,
    require_whole,
    say_if_missing,
    say_if_nothing_hidden,
    selected,
)
from attnviz.cli.input.traces import Making, read_trace
from attnviz.cli.options.direction import DirectionOptions
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.explain import TableOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions
from attnviz.cli.options.source import BatchOptions, LinesOptions, SourcesOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.files import deliver, save_trace, trace_file
from attnviz.cli.output.formats import TableFormat, chosen_format
from attnviz.cli.output.going_on import next_line, rereadable
from attnviz.cli.output.pager import write_paged
from attnviz.cli.output.progress import progress
from attnviz.cli.output.terminal import Terminal, visible_json
from attnviz.cli.typer_groups import Options
from attnviz.errors import UsageError
from attnviz.progress import Progress, no_progress

if TYPE_CHECKING:
    from attnviz.renderers.explain.document import Part
    from attnviz.renderers.shared.matrix import Looks
    from attnviz.sources.texts.corpus import CorpusText
    from attnviz.trace.selection import Selection
    from attnviz.trace.trace import Trace

    Render = Callable[[int, Trace], Iterable[bytes]]  # the number of a line, and its trace

FOR_READING = (TableFormat.TABLE, TableFormat.MARKDOWN, TableFormat.LATEX, TableFormat.HTML)


class Shown(NamedTuple):
    """The options that say what is shown of a trace, and whether many traces follow each other."""

    part: PartOptions
    special: SpecialOptions
    words: WordsOptions
    region: RegionOptions
    table: TableOptions
    lines: bool
    source: SourcesOptions
    making: Sequence[Options]  # by which the source becomes the same trace again

    def selection(self, trace: Trace, **words: Any) -> Selection:
        """What is shown of ``trace``; of a single one it is said where the options find nothing."""
        selection = selected(trace, self.part, self.special, self.region, step=self.table.step, **words)
        if not self.lines:
            say_if_nothing_hidden(selection, self.special)
            say_if_missing(trace, selection, self.table.step)
        return selection

    def chosen(self, trace: Trace) -> tuple[Selection, Looks]:
        """What is shown of ``trace`` to a person, and how."""
        from attnviz.renderers.shared.matrix import Looks
        from attnviz.text.lessons import lessons
        from attnviz.trace.selectors import all_meant

        table, every = self.table, all_meant(self.part.head)
        looks = Looks(lessons(table.lang), table.precision, table.max_tokens, table.quiet, table.top, every)
        selection = self.selection(trace, layer=self.part.layer or first_layer(trace))
        written = Step.CONTRIBUTION in table.step and Step.SUMMED not in table.step
        if table.step and not written and any(one.pair for one in selection.layers):
            raise UsageError(
                "--query with --key writes out the arithmetic of all steps", "leave out --step, or one of the two"
            )
        return selection, looks


def explain(
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
    table: TableOptions,
    engine: EngineOptions,
) -> None:
    """Show what attention computes, step by step, with real numbers.

    With one --query and one --key, it writes out their arithmetic.

    Example: attnviz explain "Your journey starts" --causal
    """
    making = Making(toy, rule, engine, model, part.layer, toward=direction.toward)
    form, many = chosen_format(table.output, table.format, TableFormat.TABLE), are_many(source, lines)
    _require_sense(form, region, table, words)
    require_contribution(direction, not {*CONTRIBUTIONS}.isdisjoint(table.step) or form is TableFormat.SAFETENSORS)
    if form is TableFormat.SAFETENSORS:
        require_whole(model, part, special, region, table, words)
        if many:
            raise UsageError("a .safetensors file holds one trace, but --lines makes many", "leave out --lines")
        output = trace_file(table.output)
        save_trace(read_trace(source.one(), making), output)
        return
    # Every format needs numpy. Imported here, not at the end of a chain of our modules, it saves a tenth of the run: deep
    # in the stack, its calls cross the end of one of CPython's 16 KB frame chunks, and each maps and frees the next.
    import numpy  # noqa: F401

    again = toy, model, rule, engine, special, words, PartOptions(layer=part.layer)
    render = _renderer(form, Shown(part, special, words, region, table, many, source, again))
    traces = _in_words(_traces(source, lines, reading, making, many), words, part, form, many)
    if form is TableFormat.TABLE and table.output is None:
        pager = () if table.no_pager else ("PAGER",)
        write_paged(_rendered(traces, render), Terminal(None), pager, at_once=many)
    else:
        deliver(_rendered(traces, render), table.output)


def _traces(
    source: SourcesOptions, lines: LinesOptions, reading: BatchOptions, making: Making, many: bool
) -> Iterator[tuple[CorpusText | None, Trace]]:
    if many:
        yield from read_lines(Corpus(source, lines), making, reading)
        return
    require_no_batch(reading)
    yield None, read_trace(source.one(), making)


def _require_sense(form: TableFormat, region: RegionOptions, table: TableOptions, words: WordsOptions) -> None:
    """Refuse options that the format has no use for."""
    if words.words:
        from attnviz.analysis.words import require_merging

        require_merging(table.step)
    if form is TableFormat.CSV and table.step == [Step.PROJECTIONS]:
        raise UsageError("CSV has no projections", "use --format json")
    if table.top is not None and form not in FOR_READING:
        raise UsageError(
            "--top is for tables, and {form} holds every key",
            "sort the rows of --query @N --step weights --format csv by their value",
            form=form.value,
        )
    if form is TableFormat.JSON and (region.query or region.key):
        raise UsageError(
            "--query and --key choose rows of a table; JSON always holds all", "pick them with jq, or use --format csv"
        )


def _in_words(
    traces: Iterator[tuple[CorpusText | None, Trace]],
    words: WordsOptions,
    part: PartOptions,
    form: TableFormat,
    lines: bool,
) -> Iterator[tuple[CorpusText | None, Trace]]:
    """``traces``, with words in place of tokens if that is asked for: of the layers that are shown."""
    if not words.words:
        yield from traces
        return
    for text, trace in traces:
        layer = part.layer or (first_layer(trace) if form in FOR_READING else [])
        with named_text(text):
            merged = in_words(trace, words, layer, tell=not lines)
        yield text, merged


def _rendered(traces: Iterator[tuple[CorpusText | None, Trace]], render: Render) -> Iterator[bytes]:
    """The output of each trace, of which all is computed before the first piece: what fails has printed none of it."""
    for text, trace in traces:
        with named_text(text):
            pieces = render(0 if text is None else text.number, trace)
        yield from pieces


def _renderer(form: TableFormat, shown: Shown) -> Render:
    """What turns a trace (and the number of its line) into pieces of output in the format ``form``."""
    match form:
        case TableFormat.JSON:
            from attnviz.renderers.data.json_format import to_json

            return lambda _, trace: visible_json(to_json(trace, shown.selection(trace)), shown.table.output)
        case TableFormat.CSV:
            return _csv(shown)
        case TableFormat.MARKDOWN:
            from attnviz.renderers.explain.markdown import to_markdown

            return _document(shown, to_markdown)
        case TableFormat.LATEX:
            from attnviz.renderers.explain.latex import to_latex

            return _document(shown, to_latex)
        case TableFormat.HTML:
            from attnviz.renderers.explain.fragment import to_fragment

            return _document(shown, to_fragment)
    return _tables(shown)


def _document(shown: Shown, written: Callable[[Iterable[Part]], str]) -> Render:
    told = set[str]()
    return lambda _, trace: [written(_told(trace, *shown.chosen(trace), told)).encode()]


def _tables(shown: Shown) -> Render:
    from attnviz.renderers.explain.tables import to_renderable

    terminal, told = Terminal(shown.table.output), set[str]()

    def render(_: int, trace: Trace) -> Iterable[bytes]:
        selection, looks = shown.chosen(trace)
        parts = [terminal(to_renderable(one)) for one in _told(trace, selection, looks, told)]
        return [b"".join([*parts, *_going_on(trace, selection, looks, shown, terminal)])]

    return render


def _going_on(trace: Trace, selection: Selection, looks: Looks, shown: Shown, terminal: Terminal) -> Iterator[bytes]:
    """The last line, where the whole way of one text is told to a person: a command that goes on."""
    if shown.lines or shown.table.step or looks.quiet or str(shown.table.output or "-") != "-":
        return
    from attnviz.renderers.explain.next_look import next_look

    look = next_look(trace, selection, looks.top is not None)
    line = next_line(
        look, looks.lessons, rereadable(shown.source.one(), trace), [*shown.making, TableOptions(lang=shown.table.lang)]
    )
    if line is not None:  # not folded: it is there to be copied
        yield f"\n{line}\n".encode(terminal.encoding, "replace")


def _csv(shown: Shown) -> Render:
    from attnviz.renderers.data.csv_format import csv_header, to_csv

    headers = iter([csv_header(shown.lines)])  # before the first trace alone

    def render(number: int, trace: Trace) -> Iterable[bytes]:
        rows = to_csv(trace, shown.selection(trace), number if shown.lines else None)
        return [next(headers, "").encode(), rows.encode()]

    return render


def _told(trace: Trace, selection: Selection, looks: Looks, told: set[str]) -> Iterator[Part]:
    """What explain says of ``trace``, for a person to read, but for the sentences that are ``told``."""
    from attnviz.renderers.explain.sections import explain

    with _reported(selection) as report:
        yield from explain(trace, selection, looks, report, told)


@contextmanager
def _reported(selection: Selection) -> Iterator[Progress]:
    """How far a long text is; a short one is shown at once."""
    from attnviz.trace.selection import is_long

    if not any(is_long(part.layer) for part in selection.layers):
        yield no_progress
        return
    with progress("weights", timed=True, counted=False) as line:
        yield lambda done, of: line("weights", done, of)
