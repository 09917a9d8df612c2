"""The public call that joins statistics of parts of a corpus."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from attnviz.arguments import member, numbers_of, path_of, quantiles_of
from attnviz.choices import THRESHOLD_LIMITS, Effect, Language
from attnviz.files import read_whole

if TYPE_CHECKING:
    from attnviz.renderers.stats.stats import Stats

    Part = str | os.PathLike[str] | Stats


def merge_stats(
    *parts: Part,
    sort: str | None = None,
    threshold: Mapping[str, float] | None = None,
    quantiles: Iterable[float] | str = (),
    language: str = "en",
) -> Stats:
    """The statistics of all ``parts``, as if one run had measured all of their texts; ``attnviz stats --merge`` does the same.

    parts     .stats files, which ``Stats.save`` and ``attnviz stats -o NAME.stats`` write, and what ``attnviz.stats`` returns; one alone is read
    sort      the metric whose largest value stands first; of effects, "loss", "probability" or "kl"
    threshold what a head must reach to be given a name, in place of what the parts say
    quantiles shares of the texts, in place of those that the parts were measured with
    language  in which it prints, "en" or "vi"

    AttnvizError where a part is damaged, was measured of another model or with other options, or is given twice.
    """
    from attnviz.analysis.corpus import Statistics
    from attnviz.analysis.head_names import HeadName
    from attnviz.analysis.metrics import Metric
    from attnviz.analysis.saved_corpus import merged_parts
    from attnviz.renderers.effects.stats import EffectStats
    from attnviz.renderers.stats.stats import Stats

    limits = numbers_of(HeadName, threshold, "threshold", THRESHOLD_LIMITS)
    spoken = member(Language, language, "language")
    whole = merged_parts(_contents(parts), limits, quantiles_of(quantiles))
    if isinstance(whole, Statistics):
        return Stats(whole, None if sort is None else member(Metric, sort, "sort"), spoken)
    return EffectStats(whole, None if sort is None else member(Effect, sort, "sort"), spoken)


def _contents(parts: tuple[Part, ...]) -> Iterator[tuple[str, bytes]]:
    """The name of each part, and what its file holds or would hold."""
    for place, part in enumerate(parts):
        if hasattr(part, "statistics"):
            yield f"parts[{place}]", part.statistics.to_bytes()
        else:
            path = path_of(f"parts[{place}]", part)
            yield str(path), read_whole(path)
