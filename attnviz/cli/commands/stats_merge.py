"""attnviz stats --merge: the statistics of parts of a corpus, joined to one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from attnviz.choices import EFFECT
from attnviz.cli.input.thresholds import quantile_shares, thresholds
from attnviz.cli.options.corpus import CorpusOptions
from attnviz.cli.options.stats import StatsOptions
from attnviz.cli.output.statistics import effects_format, effects_sort, heads_format, write_effects, write_heads
from attnviz.cli.typer_groups import Options, dashed, given_options
from attnviz.errors import UsageError
from attnviz.files import read_whole

if TYPE_CHECKING:
    from attnviz.analysis.saved_corpus import Known

READ = ("merge", "quantiles", "sort", "metric", "threshold", "lang", "output", "format")


def write_merged(corpus: CorpusOptions, shown: StatsOptions, unread: Iterable[Options]) -> None:
    """Write what all the files hold together; ``unread`` are options of what is measured, which nothing is here."""
    _require_read((corpus, shown, *unread))
    statistics = _merged(corpus, shown)
    from attnviz.analysis.corpus import Statistics

    if not isinstance(statistics, Statistics):
        if shown.metric not in (None, EFFECT):
            raise UsageError("the files hold effects of heads, which have no {metric}", metric=shown.metric)
        write_effects(statistics, effects_format(shown), effects_sort(shown), shown)
        return
    write_heads(statistics, heads_format(shown), shown)


def _require_read(groups: Iterable[Options]) -> None:
    """Refuse options that are given, and that say what is measured, or how."""
    for group in groups:
        for name in (name for name in given_options(group) if name not in READ):
            if name == "text":
                raise UsageError("--merge joins .stats files, and reads no text", "leave out the text")
            raise UsageError(
                "--merge joins what has been measured, and --{name} says what to measure",
                "leave out --{name}",
                name=dashed(name.rstrip("_")),
            )


def _merged(corpus: CorpusOptions, shown: StatsOptions) -> Known:
    from attnviz.analysis.saved_corpus import merged_parts

    parts = ((str(path), read_whole(path)) for path in corpus.merge)
    return merged_parts(parts, thresholds(shown.threshold), quantile_shares(corpus))
