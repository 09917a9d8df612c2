"""What is said of attention that is followed through layers, in the language of its reader."""

from __future__ import annotations

from attnviz.analysis.across.following import Followed, Shares
from attnviz.analysis.across.way import Way
from attnviz.choices import Across
from attnviz.renderers.shared.facts import left_out
from attnviz.text.lessons import Lessons


def how(found: Followed | Shares, words: Lessons) -> list[str]:
    """By what attention is followed, through which layers, of which heads, and with what residual: parts of a title."""
    way = found.way
    return [
        words.say(f"across.{found.following.across.value}"),
        layers(way, words),
        heads(way, words),
        words.say("across.residual", residual=f"{way.residual:g}"),
    ]


def layers(way: Way, words: Lessons) -> str:
    """Through which layers, from the last to the first."""
    first, last = way.layers[-1], way.layers[0]
    if first is last:
        return words.say("across.one_layer", layer=last.index)
    return words.say("across.layers", last=last.index, first=first.index)


def heads(way: Way, words: Lessons) -> str:
    """How many heads of each layer became one, and how."""
    counts = sorted({len(some) for some in way.heads})
    if counts == [1]:
        return words.say("across.one_head")
    count = "–".join(str(one) for one in dict.fromkeys((counts[0], counts[-1])))
    return words.say(f"across.heads_{way.heads_as.value}", heads=count)


def notes(found: Followed | Shares, words: Lessons) -> list[str]:
    """What a reader must know beside the numbers: what is left out of them, and how exact a flow is."""
    parts = [
        words.say("across.sinks") if found.way.leaves_sinks_out else "",
        words.say("across.error", error=f"{found.error:.0e}") if found.following.across is Across.FLOW else "",
        left_out(found.left_out, words, "across.left_out"),
    ]
    return [part for part in parts if part]
