"""Retrieval heads: which heads look at a needle while the model copies it (Wu et al. 2024, "Retrieval Head Mechanistically
Explains Long-Context Factuality", 2404.15574, section 2).

A sentence is hidden in a long text, and the model is asked to go on from the sentence's beginning. At each token that it
copies of it, a head has a hit if its strongest key is that very token inside the needle. A head's score is its share of hits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.corpus import Head, Running, Value
from attnviz.analysis.head_names import Chance, Copying, Found, HeadName, limit
from attnviz.attention.arrays import to_numpy
from attnviz.errors import AttnvizError
from attnviz.text.needles import Planted, haystack, needles, planted
from attnviz.trace.public import public
from attnviz.trace.selection import Selection
from attnviz.trace.slices import some_queries, weighed
from attnviz.trace.trace import Trace

ENOUGH = 0.5  # of a needle's tokens: with fewer, the model has not found it (the code of Wu et al. wants a ROUGE recall above a half)
WRITTEN = 12  # tokens that a model is asked for: a needle has fewer


class Copied(NamedTuple):
    """What a model copied of a needle.

    row     of the first query that chose one of its tokens
    keys    the positions of the needle's answer
    ids     of the tokens that were copied, in order
    whole   whether enough was copied to count
    """

    row: int
    keys: tuple[int, ...]
    ids: tuple[int, ...]
    whole: bool


class Asked(NamedTuple):
    """A needle that was asked for: how it was hidden, what the model wrote, and how many of its tokens that copied."""

    planted: Planted
    written: str
    copied: int
    of: int
    whole: bool


class _Layer(NamedTuple):
    """The selected heads of a layer and, over the needles so far, the share of hits of each and how many there were."""

    number: int
    heads: tuple[int, ...]
    shares: Running
    hits: numpy.ndarray


def hidden_needles(count: int, words: Sequence[int], text: str | None = None) -> Iterator[Planted]:
    """``count`` needles in a text of each of so many ``words``, at depths from its beginning to its end.

    ``text`` is a haystack of one's own. AttnvizError where there are not so many needles, or words.
    """
    known, hay = needles(), haystack() if text is None else text
    if count > len(known):
        raise AttnvizError("there are {known} needles, and {count} are asked for", known=len(known), count=count)
    for length in words:
        for place, needle in enumerate(known[:count]):
            yield planted(needle, hay, length, place / max(count - 1, 1))


def copied(trace: Trace, needle: Planted) -> Copied:
    """What of ``needle`` the model that wrote ``trace`` has copied; AttnvizError where its tokens cannot be found."""
    ids, generation = trace.source.text.ids, trace.generation
    known = 0 if generation is None else len(generation.chosen) - 1  # the last one was chosen, but never read
    begin, end = needle.answer
    keys = tuple(
        place
        for place, span in enumerate(trace.spans[: len(ids) - known])
        if span is not None and span[0] < end and span[1] > begin
    )
    if not keys:
        raise AttnvizError(
            "the tokenizer of {model} does not say where a token stands in its text", model=trace.source.model
        )
    first = len(ids) - known
    same = [one == ids[key] for one, key in zip(ids[first:], keys, strict=False)]
    count = same.index(False) if False in same else len(same)
    return Copied(first - 1, keys, tuple(ids[first : first + count]), count >= ENOUGH * len(keys))


class RetrievalStatistics:
    """The scores of the selected heads, needle after needle.

    threshold of the name, before it is held against chance
    asked     the needles, in their order
    tokens    how many were copied, over the needles that count
    source    where they come from; model, its name
    error     how far the recomputed outputs are at most from the model's own
    """

    metrics = (Copying.RETRIEVAL,)

    def __init__(self, threshold: float = HeadName.RETRIEVAL.threshold) -> None:
        self.threshold = threshold
        self.asked: tuple[Asked, ...] = ()
        self.tokens = 0
        self.source: dict[str, Any] = {}
        self.model = ""
        self.error: float | None = None
        self._layers: dict[str, _Layer] = {}
        self._chance = 0.0

    def add(self, trace: Trace, needle: Planted, selection: Selection) -> None:
        """One more needle, which counts where enough of it was copied."""
        found, layers = copied(trace, needle), dict(self._layers)
        asked = Asked(needle, _written(trace), len(found.ids), len(found.keys), found.whole)
        for selected in selection.layers:
            layer, heads = selected.layer, list(selected.heads)
            title, count = layer.title, len(heads)
            before = layers.get(title) or _Layer(layer.index, selected.heads, Running((count,)), numpy.zeros(count))
            if found.whole:
                hits = _hits(trace, found, layer)[heads]
                before = before._replace(
                    shares=before.shares.plus(hits.mean(axis=-1)), hits=before.hits + hits.sum(axis=-1)
                )
            layers[title] = before
        errors = [self.error, trace.source.agreement.largest_error]
        vars(self).update(
            _layers=layers,
            _chance=self._chance + (_chance(trace, found) if found.whole else 0.0),
            asked=(*self.asked, asked),
            tokens=self.tokens + (len(found.ids) if found.whole else 0),
            source=trace.source.of_any_text(),
            model=trace.source.model_name,
            error=max((error for error in errors if error is not None), default=None),
        )

    @property
    def copied(self) -> int:
        """How many of the needles count."""
        return sum(one.whole for one in self.asked)

    @property
    def limit(self) -> float | None:
        """The threshold here; None where too little was copied to tell a head from chance."""
        return limit(self.threshold, Chance(self._chance / self.tokens, self.tokens)) if self.tokens else None

    def heads(self, sort: Copying | None = None) -> list[Head]:
        """All heads in the order of their layers, or those with the largest score first."""
        rows = [
            self._head(title, layer, column)
            for title, layer in self._layers.items()
            for column in range(len(layer.heads))
        ]
        return rows if sort is None else sorted(rows, key=lambda row: -row.values[sort].mean)

    def _head(self, title: str, layer: _Layer, column: int) -> Head:
        score = float(layer.hits[column] / self.tokens) if self.tokens else math.nan
        value = Value(score, float(layer.shares.deviation[column]), self.copied)
        least = self.limit
        names = (Found(HeadName.RETRIEVAL, score, least),) if least is not None and score >= least else ()
        limits: Mapping[HeadName, float | None] = {HeadName.RETRIEVAL: least}
        return Head(title, layer.number, layer.heads[column], {Copying.RETRIEVAL: value}, names, limits)

    def to_json(self) -> str:
        """What ``attnviz stats --needles --format json`` writes."""
        return public("attnviz.renderers.retrieval.retrieval_json.to_json", self).decode()  # type: ignore[no-any-return]

    def to_csv(self) -> str:
        """What ``attnviz stats --needles --format csv`` writes."""
        return public("attnviz.renderers.stats.head_csv.to_csv", self, Copying.RETRIEVAL)  # type: ignore[no-any-return]

    def __str__(self) -> str:
        """The table, as ``attnviz stats --needles`` prints it."""
        return public("attnviz.renderers.retrieval.retrieval_table.to_text", self)  # type: ignore[no-any-return]

    def __rich__(self) -> Any:
        """The same in colour, on a Rich console."""
        return public("attnviz.renderers.retrieval.retrieval_table.to_renderable", self)


def require_copies(statistics: RetrievalStatistics) -> None:
    """Refuse a model that has copied nothing: then no head can be said to retrieve."""
    if not statistics.copied:
        raise AttnvizError(
            "{model} has copied none of the {count} needles, so no head can be said to retrieve one",
            "take a larger model, or hide them in less text (--needle-words)",
            model=statistics.model,
            count=len(statistics.asked),
        )


def _written(trace: Trace) -> str:
    """What the model wrote: its text or, where only tokens are known, these."""
    if trace.generation is None:
        return ""
    return trace.generation.text if trace.generation.text is not None else " ".join(trace.generation.chosen)


def _hits(trace: Trace, found: Copied, layer: Any) -> numpy.ndarray:
    """Whether each head's strongest key is the token that is copied, inside the needle, (heads, tokens)."""
    rows = some_queries(layer, found.row, found.row + len(found.ids))
    strongest = to_numpy(weighed(rows).weights).argmax(axis=-1)  # (heads, tokens)
    ids = numpy.asarray(trace.source.text.ids)
    return numpy.asarray(numpy.isin(strongest, found.keys) & (ids[strongest] == numpy.asarray(found.ids)))


def _chance(trace: Trace, found: Copied) -> float:
    """How many hits a head would have that picks its strongest key at random."""
    ids = trace.source.text.ids
    return sum(
        sum(ids[key] == one for key in found.keys) / (found.row + place + 1) for place, one in enumerate(found.ids)
    )
