"""What stands below the table of a corpus: the texts in which heads do something most, and those that were left out, and why."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from attnviz.analysis.corpus import Head
from attnviz.analysis.corpus.of_heads import OfHeads
from attnviz.analysis.corpus.quantiles import EXACT, rank_error
from attnviz.analysis.corpus.texts import Texts
from attnviz.renderers.shared.facts import layer_name
from attnviz.text.display import shown_line
from attnviz.text.lessons import Lessons
from attnviz.text.message import told
from attnviz.text.text_names import text_name

REASONS = 5  # that are listed, the most common; the data hold all


def skipped_lines(statistics: Texts, words: Lessons) -> list[str]:
    """A heading, and for each reason how many texts were left out for it, and the first few; nothing where none was."""
    reasons = statistics.left_out_texts.reasons
    if not reasons:
        return []
    lines = [
        words.say(
            "stats.skipped_because" if reason.texts == len(reason.names) else "stats.skipped_because_more",
            count=f"{reason.texts:,}",
            why=shown_line(reason.told(words.language)),
            names=", ".join(_text(name, words) for name in reason.names),
        )
        for reason in reasons[:REASONS]
    ]
    rest = sum(reason.texts for reason in reasons[REASONS:])
    more = [words.say("stats.skipped_otherwise", count=f"{rest:,}")] if rest else []
    return [words.say("stats.skipped_heading"), *lines, *more]


def top_lines(statistics: OfHeads, metrics: Sequence[StrEnum], words: Lessons) -> list[str]:
    """A heading, and for each metric the head that does most of it, and the texts in which it does it most."""
    heads = statistics.heads() if statistics.top_texts else []
    if not heads:
        return []
    return [
        words.say("stats.top_heading" if not statistics.FALLS else "effect.top_heading"),
        *(line for metric in metrics for line in _top(metric, statistics.ordered(heads, metric)[0], words)),
    ]


def quantile_words(statistics: OfHeads, words: Lessons) -> str:
    """What the numbers in brackets are; "" where there are none."""
    if not statistics.quantiles or statistics.texts < 2:
        return ""
    shares = ", ".join(f"{share:g}" for share in statistics.quantiles)
    if statistics.texts <= EXACT:
        return words.say("stats.quantiles_exact", shares=shares)
    return words.say("stats.quantiles", shares=shares, error=f"{rank_error():.3f}")


def _top(metric: StrEnum, head: Head, words: Lessons) -> list[str]:
    texts = head.top[metric]
    if not texts:
        return []
    named = f"{layer_name(head.layer, words)} · {head_word(head.head, words)}"
    found = [
        words.say("stats.top_text", text=_text(one.name, words), value=f"{one.value:.3g}", excerpt=one.excerpt)
        for one in texts
    ]
    return [words.say("stats.top", metric=metric.value, head=named), *(f"  {line}" for line in found)]


def head_word(head: int | None, words: Lessons) -> str:
    """The number of a head; or that it is all of a layer."""
    return words.say("stats.all_heads") if head is None else str(head)


def _text(name: str, words: Lessons) -> str:
    """What a text is called, as a person may safely see it."""
    return shown_line(told(text_name(name), words.language))
