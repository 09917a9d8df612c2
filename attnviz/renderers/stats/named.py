"""The names that heads have earned, as lines for a person: each name with its heads, their numbers and the threshold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from attnviz.analysis.corpus import Head, Statistics
from attnviz.analysis.head_names import MEASURED, HeadName
from attnviz.choices import CONTRIBUTIONS, Pool
from attnviz.renderers.shared.facts import layer_name
from attnviz.renderers.shared.head_names import DIGITS, number, title
from attnviz.text.lessons import Lessons

MOST = 5  # heads of a name that are listed; the data hold all


def untold(statistics: Statistics) -> list[HeadName]:
    """The names of which these texts can tell nothing, of no head."""
    heads = statistics.heads()
    return [name for name in MEASURED if (of := _limits(heads, name)) and all(one is None for one in of)]


def name_lines(statistics: Statistics, words: Lessons) -> list[str]:
    """What the heads are called, each name a line, and why some names cannot be told; nothing where there are no names."""
    if statistics.step in CONTRIBUTIONS:
        return [words.say("names.contribution")]
    if statistics.pool is not Pool.MEAN:
        return [words.say("names.largest")]
    heads, lacking = statistics.heads(), untold(statistics)
    told = [name for name in MEASURED if name not in lacking and _limits(heads, name)]
    if not told and not lacking:
        return []
    return [words.say("names.heading"), *(name_line(heads, name, words) for name in told), *_why(heads, lacking, words)]


def least(limits: Sequence[float]) -> str:
    """A threshold, rounded up; where heads have different ones, from the least to the most."""
    ends = [f"{math.ceil(value * 10**DIGITS) / 10**DIGITS:.{DIGITS}f}" for value in (min(limits), max(limits))]
    return "–".join(dict.fromkeys(ends))


def name_line(heads: Sequence[Head], name: HeadName, words: Lessons) -> str:
    """One name: how many heads, which, and from which number on."""
    limits = [one for one in _limits(heads, name) if one is not None]
    threshold = words.say("names.least", threshold=least(limits))
    earned = sorted(
        ((one.value, head) for head in heads for one in head.names if one.name is name), key=lambda one: -one[0]
    )
    if not earned:
        return words.say("names.none", title=title(name, words), threshold=threshold)
    listed = [f"{layer_name(head.layer, words)} · {head.head} {number(value)}" for value, head in earned[:MOST]]
    more = [words.say("names.more", count=f"{len(earned) - MOST:,}")] if len(earned) > MOST else []
    return words.say("names.line", title=title(name, words), heads=", ".join([*listed, *more]), threshold=threshold)


def _why(heads: Sequence[Head], names: Sequence[HeadName], words: Lessons) -> Iterator[str]:
    """Why some ``names`` cannot be told: no query has an answer, or luck could do as well."""
    unasked = [name for name in names if all(math.isnan(head.values[MEASURED[name]].mean) for head in heads)]
    for why, some in (("unasked", unasked), ("short", [name for name in names if name not in unasked])):
        if some:
            yield words.say(f"names.{why}", names=", ".join(title(name, words) for name in some))


def _limits(heads: Sequence[Head], name: HeadName) -> list[float | None]:
    return [head.limits[name] for head in heads if name in head.limits]
