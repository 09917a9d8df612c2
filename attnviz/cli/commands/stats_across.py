"""attnviz stats --across: each token's share of what queries read through the layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.cli.input.following import refuse_beside, words_across
from attnviz.cli.input.selected import say_if_nothing_hidden, selected
from attnviz.cli.options.corpus import CorpusOptions
from attnviz.cli.options.direction import DirectionOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions
from attnviz.cli.options.stats import StatsOptions
from attnviz.cli.output.files import deliver
from attnviz.cli.output.formats import TABLES, StatsFormat, chosen_format
from attnviz.cli.output.progress import progress
from attnviz.cli.output.terminal import Terminal, visible_json
from attnviz.cli.typer_groups import dashed, given_options
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.analysis.across.following import Following
    from attnviz.trace.trace import Trace


WRITING = ("lang", "output", "format")  # options of a result, whatever it is of


def require_shares(shown: StatsOptions, many: bool, direction: DirectionOptions, corpus: CorpusOptions) -> None:
    """Refuse what is said of heads, or of many texts, whose tokens stand at other places in each."""
    given = {f"--{dashed(name)}": name not in WRITING for group in (shown, corpus) for name in given_options(group)}
    refuse_beside({"--lines": many, "--toward": direction.toward is not None} | given)
    if _format(shown) not in TABLES:
        raise UsageError(
            "stats --across writes shares as a table, CSV or JSON", "draw a map with attnviz heatmap --across"
        )


def write_shares(
    trace: Trace,
    following: Following,
    part: PartOptions,
    words: WordsOptions,
    special: SpecialOptions,
    region: RegionOptions,
    shown: StatsOptions,
) -> None:
    """Write what each token gives to the selected queries, on average."""
    from attnviz.analysis.across.following import shares

    trace, part, following = words_across(trace, words, part, following)
    chosen = selected(trace, part, special, region).as_region()
    say_if_nothing_hidden(chosen, special)
    with progress("weights", timed=True, counted=False) as line:
        found = shares(trace, chosen, following, lambda done, of: line("weights", done, of))
    form, output = _format(shown), shown.output
    match form:
        case StatsFormat.JSON:
            from attnviz.renderers.across.numbers import shares_json

            deliver(visible_json([shares_json(trace, found)], output), output)
        case StatsFormat.CSV:
            from attnviz.renderers.across.numbers import shares_csv

            deliver([shares_csv(trace, found).encode()], output)
        case _:
            from attnviz.renderers.across.shares import to_renderable
            from attnviz.text.lessons import lessons

            deliver([Terminal(output)(to_renderable(trace, found, lessons(shown.lang)))], output)


def _format(shown: StatsOptions) -> StatsFormat:
    return chosen_format(shown.output, shown.format, StatsFormat.TABLE)
