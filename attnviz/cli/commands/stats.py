"""attnviz stats: what each head does, over one text or many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attnviz.choices import EFFECT, MeasuredStep
from attnviz.cli.commands.stats_across import require_shares, write_shares
from attnviz.cli.commands.stats_effect import measured_effects, require_no_effect
from attnviz.cli.commands.stats_needles import measured_needles, require_no_needles
from attnviz.cli.input.following import following_of
from attnviz.cli.input.gathered import end_if_partial, gather
from attnviz.cli.input.selected import NOTHING_SPECIAL, in_words, require_contribution, selected
from attnviz.cli.input.text import line_count
from attnviz.cli.input.thresholds import thresholds
from attnviz.cli.input.traces import Making, read_lines, read_trace
from attnviz.cli.options.across import AcrossOptions
from attnviz.cli.options.direction import DirectionOptions
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.needles import NeedleOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions
from attnviz.cli.options.source import LinesOptions, SourceOptions
from attnviz.cli.options.stats import StatsOptions, among
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.files import deliver, drawn
from attnviz.cli.output.formats import HEADS_FILE, PICTURES, StatsFormat, chosen_format
from attnviz.cli.output.progress import progress
from attnviz.cli.output.streams import notice
from attnviz.cli.output.terminal import Terminal, require_no_terminal, visible_json
from attnviz.errors import UsageError
from attnviz.progress import Progress, no_progress

if TYPE_CHECKING:
    from attnviz.analysis.corpus import Statistics
    from attnviz.trace.trace import Trace


def stats(
    source: SourceOptions,
    lines: LinesOptions,
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
    engine: EngineOptions,
) -> None:
    """Measure what each head does: how widely it looks, how far, and at what.

    Example: attnviz stats "the cat sat on the mat" --heads 4 --causal
    """
    unread = (toy, rule, special, words, region, direction)
    if needle.needles is not None:
        measured_needles(source, model, part, shown, needle, engine, (lines, across, *unread))
        return
    require_no_needles(needle, shown)
    following, making = following_of(across), Making(toy, rule, engine, model, part.layer, toward=direction.toward)
    if following is not None:
        _require_merging(words, [], across=across.across)
        require_shares(shown, lines, direction)
        write_shares(read_trace(source, making), following, part, special, region, shown)
        return
    if shown.metric == EFFECT:
        measured_effects(source, lines, model, part, shown, engine, unread)
        return
    form = _format(shown)
    require_contribution(direction, shown.step is MeasuredStep.CONTRIBUTION)
    from attnviz.analysis.corpus import Statistics

    _require_merging(words, [shown.step])
    total = line_count(source) if lines.lines else None
    statistics = Statistics(shown.near, shown.pool, thresholds=thresholds(shown.threshold), step=shown.step)

    def add(trace: Trace, report: Progress = no_progress) -> None:
        trace = in_words(trace, words, part.layer, tell=not lines.lines)
        statistics.add(trace, selected(trace, part, special, region).as_region(), report)

    if lines.lines:
        gather(statistics, lambda failed: read_lines(source, making, failed), add, total)
    else:
        trace = read_trace(source, making)
        with progress("weights", timed=True, counted=False) as line:
            add(trace, lambda done, of: line("weights", done, of))
    if special.skip_special and not statistics.skips_tokens:
        notice(NOTHING_SPECIAL)
    _write(statistics, form, shown)
    end_if_partial(statistics, total)


def _require_merging(words: WordsOptions, steps: Sequence[MeasuredStep], **beside: str | None) -> None:
    """Refuse what cannot be merged into words, where they are asked for."""
    if words.words:
        from attnviz.analysis.words import require_merging

        require_merging(steps, **beside)


def _write(statistics: Statistics, form: StatsFormat, shown: StatsOptions) -> None:
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
        case _:
            metric = among(Metric, shown.metric)
            assert metric is not None
            from attnviz.renderers.stats.head_map import decide

            piece = drawn(decide(statistics, metric, words=lessons(shown.lang)), form.value)
            output = output or HEADS_FILE.with_suffix(f".{form.value}")
    deliver(visible_json([piece], output) if form is StatsFormat.JSON else [piece], output)


def _format(shown: StatsOptions) -> StatsFormat:
    """The format that is asked for: a picture of one metric, or a table of all."""
    require_no_effect(shown)
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
