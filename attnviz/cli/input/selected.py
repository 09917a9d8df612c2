"""From options to the part of a trace that is shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from attnviz.choices import Step
from attnviz.cli.options.direction import DirectionOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions
from attnviz.cli.output.streams import notice
from attnviz.cli.typer_groups import Options, dashed
from attnviz.errors import UsageError
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.trace.selection import Selection
    from attnviz.trace.trace import Trace

NOTHING_SPECIAL = "there are no special tokens to hide"


def selected(
    trace: Trace, part: PartOptions, special: SpecialOptions, region: RegionOptions, **words: Any
) -> Selection:
    """What the options mean of ``trace``; ``words`` are more of ``select``'s."""
    from attnviz.trace.selection import select

    words = {"layer": part.layer} | words
    return select(trace, head=part.head, query=region.query, key=region.key, skip_special=special.skip_special, **words)


def require_contribution(direction: DirectionOptions, measured: bool) -> None:
    """Refuse a direction where no contribution is ``measured``."""
    if direction.toward is not None and not measured:
        raise UsageError("--toward is of contributions", "add --step contribution, or leave out --toward")


def say_if_nothing_hidden(selection: Selection, special: SpecialOptions) -> None:
    """--skip-special was given, and there is nothing special: a person should know."""
    if special.skip_special and not any(part.skips_tokens for part in selection.layers):
        notice(NOTHING_SPECIAL)


def say_if_missing(trace: Trace, selection: Selection, asked: Collection[Step]) -> None:
    """Some of the steps that --step names are not there, while others are: a person should know."""
    from attnviz.trace.selection import none_here

    if missing := [step for step in selection.missing if step in asked]:
        said = none_here(missing)
        alone = missing == [Step.CONCAT]
        notice(Message("{said}: it joins the outputs of several heads", said=said) if alone else said)
    if Step.PROJECTED in asked and (unknown := trace.source.without_projection(selection.unprojected)):
        notice(unknown)


def in_words(trace: Trace, options: WordsOptions, layer: Sequence[str], tell: bool = True) -> Trace:
    """``trace``, or the words of these layers of it, if that is asked for; ``tell`` says where that changes no token."""
    if not options.words:
        return trace
    from attnviz.analysis.words import by_words

    merged = by_words(trace, layer)
    if tell:
        say_if_nothing_merges(trace, merged)
    return merged


def say_if_nothing_merges(trace: Trace, merged: Trace) -> None:
    """--words was given, and each token is a word: a person should know."""
    if len(merged.tokens) == len(trace.tokens):
        notice("every token is a word by itself: --words merges none")


def first_layer(trace: Trace) -> list[str]:
    """The --layer of a picture or a table when none was asked for: the first, with a notice if there are more."""
    from attnviz.trace.selection import first_layer as first_of

    numbers, first = {(layer.stack, layer.index) for layer in trace.layers}, first_of(trace)
    if len(numbers) > 1:
        name = first if trace.layers[0].stack else Message("layer {layer}", layer=first)
        notice(
            Message(
                "showing {name} of {numbers}; --layer N or --layer all shows others", name=name, numbers=len(numbers)
            )
        )
    return [first]


def require_whole(model: ModelOptions, *groups: Options) -> None:
    """A saved trace is whole: refuse options that choose a part of it."""
    for name in ("layer", "head", "step", "query", "key", "skip_special", "words"):
        if any(getattr(group, name, None) for group in groups):
            hint = (
                "leave out --{name}, or keep only some layers with attnviz capture --layer"
                if name == "layer" and model.model
                else "leave out --{name}"
            )
            raise UsageError("--{name} chooses what is shown, but a saved trace is whole", hint, name=dashed(name))
