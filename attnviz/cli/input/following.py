"""From options to how attention is followed through layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attnviz.choices import RESIDUAL, HeadsAs
from attnviz.cli.input.selected import say_if_nothing_merges
from attnviz.cli.options.across import AcrossOptions
from attnviz.cli.options.selection import PartOptions, WordsOptions
from attnviz.cli.typer_groups import dashed
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.analysis.across.following import Following
    from attnviz.trace.trace import Trace


def following_of(options: AcrossOptions) -> Following | None:
    """How ``options`` follow attention; None: they do not. UsageError where they only say how."""
    if options.across is None:
        for name in ("heads_as", "residual"):
            if getattr(options, name) is not None:
                raise UsageError(
                    "--{name} is for --across, which is not given", "add --across rollout", name=dashed(name)
                )
        return None
    from attnviz.analysis.across.following import Following

    residual = RESIDUAL if options.residual is None else options.residual
    return Following(options.across, options.heads_as or HeadsAs.MEAN, residual)


def words_across(
    trace: Trace, words: WordsOptions, part: PartOptions, following: Following
) -> tuple[Trace, PartOptions, Following]:
    """``trace`` as ``following`` goes through the chosen ``part``: of one stack and, if that is asked for, told in words, of which
    there is one layer alone."""
    from attnviz.analysis.across.way import in_one_stack, way_through

    trace = in_one_stack(trace, part.layer)
    if not words.words:
        return trace, part, following
    from attnviz.analysis.across.in_words import in_words
    from attnviz.trace.selection import select

    way = way_through(trace, select(trace, layer=part.layer, head=part.head), following.heads_as, following.residual)
    merged, merging = in_words(trace, way)
    say_if_nothing_merges(trace, merged)
    return merged, PartOptions(), following._replace(merging=merging)


def refuse_beside(given: Mapping[str, bool]) -> None:
    """UsageError for the first option that is ``given`` and has no meaning where attention is followed through layers."""
    for name in (name for name, there in given.items() if there):
        raise UsageError(
            "--across follows the weights of all heads through layers, and {name} has no place there",
            "leave out one of the two",
            name=name,
        )
