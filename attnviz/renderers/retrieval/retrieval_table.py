"""The scores of retrieval, as a table for a person."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from attnviz.analysis.corpus import Head
from attnviz.analysis.head_names import Copying, HeadName
from attnviz.analysis.retrieval import RetrievalStatistics
from attnviz.renderers.shared.facts import exactness, layer_name
from attnviz.renderers.shared.matrix import Matrix
from attnviz.renderers.shared.plain import plain
from attnviz.renderers.shared.table import BOLD, DIM, GAP, MatrixTable
from attnviz.renderers.stats.named import name_line
from attnviz.text.display import shorten, shown_line
from attnviz.text.lessons import Lessons, lessons

MOST = 20  # heads in the table; the data hold all
WRITTEN_CELLS = 60  # of what a model wrote
DECIMALS = 3


def to_text(statistics: RetrievalStatistics) -> str:
    """The table without colours, in English."""
    return plain(statistics)


def to_renderable(statistics: RetrievalStatistics, words: Lessons | None = None) -> Group:
    """The heads with the largest scores, what the score is, and which needles were copied. None: in English."""
    words = words or lessons()
    say = words.say
    heads = statistics.heads(Copying.RETRIEVAL)
    shown = [head for head in heads if head.values[Copying.RETRIEVAL].mean > 0][:MOST]
    return Group(
        Text(_facts(statistics, words), style=BOLD),
        Text(say("retrieval.what"), style=DIM),
        Text(""),
        *([MatrixTable(_matrix(shown, words), gap=GAP)] if shown else [Text(say("retrieval.nowhere"))]),
        *([Text(say("retrieval.more", count=f"{len(heads) - len(shown):,}"), style=DIM)] if shown else []),
        Text(""),
        Text(_names(statistics, heads, words)),
        Text(""),
        *(Text(line, style=DIM) for line in _needles(statistics, words)),
    )


def _facts(statistics: RetrievalStatistics, words: Lessons) -> str:
    say = words.say
    parts = [
        exactness(statistics.model, statistics.error, words),
        say("retrieval.copied", copied=statistics.copied, count=len(statistics.asked)),
        say("retrieval.tokens", count=f"{statistics.tokens:,}"),
    ]
    return " · ".join(filter(None, parts))


def _matrix(heads: list[Head], words: Lessons) -> Matrix:
    values = [head.values[Copying.RETRIEVAL] for head in heads]
    return Matrix(
        corner=words.say("stats.head"),
        rows=[f"{layer_name(head.layer, words)} · {head.head}" for head in heads],
        columns=[Copying.RETRIEVAL.value],
        cells=[[f"{value.mean:.{DECIMALS}f}"] for value in values],
        tints=[[value.mean] for value in values],
    )


def _names(statistics: RetrievalStatistics, heads: list[Head], words: Lessons) -> str:
    if statistics.limit is None:
        return words.say("retrieval.short")
    return name_line(heads, HeadName.RETRIEVAL, words)


def _needles(statistics: RetrievalStatistics, words: Lessons) -> list[str]:
    """Each needle with what the model made of it, a line each."""
    return [
        words.say(
            "retrieval.needle" if one.whole else "retrieval.lost",
            cue=one.planted.needle.cue,
            written=shorten(shown_line(" ".join(one.written.split())), WRITTEN_CELLS),
            copied=one.copied,
            tokens=one.of,
            words=one.planted.words,
            depth=f"{100 * one.planted.depth:.0f} %",
        )
        for one in statistics.asked
    ]
