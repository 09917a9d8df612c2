"""Retrieval heads: which heads look at a needle while the model copies it (Wu et al. 2024, "Retrieval Head Mechanistically
Explains Long-Context Factuality", 2404.15574, section 2).

A sentence is hidden in a long text, and the model is asked to go on from the sentence's beginning. At each token that it
copies of it, a head has a hit if its strongest key is that very token inside the needle. A head's score is its share of hits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.copied import WRITTEN, chance, copied, hits
from attnviz.analysis.corpus import Head, Running, Value
from attnviz.analysis.corpus.alike import require_same
from attnviz.analysis.corpus.layers import LAYERS, both_of, layers_record
from attnviz.analysis.corpus.state_file import (
    Packed,
    of_file,
    packed,
    require_of,
    require_record,
    running_arrays,
    running_of,
    unpacked,
)
from attnviz.analysis.head_names import Chance, Copying, Found, HeadName, limit
from attnviz.errors import AttnvizError
from attnviz.progress import Progress, no_progress
from attnviz.text.display import shown_line
from attnviz.text.message import Message
from attnviz.text.needles import Planted
from attnviz.trace.origin import read_origin
from attnviz.trace.public import public
from attnviz.trace.schema import COUNT, NUMBER, TEXT, Kind, list_of, object_of, real
from attnviz.trace.selection import Selection, select
from attnviz.trace.trace import Trace
from attnviz.trace.written import Sampling

FIELDS: dict[str, Kind] = {
    "threshold": NUMBER,
    "tokens": COUNT,
    "read": COUNT,
    "model": TEXT,
    "error": NUMBER.or_null(),
    "source": object_of({}),
    "layers": LAYERS,
    "asked": list_of(Kind(Message("a needle"), lambda value: isinstance(value, list)), Message("a list of needles")),
}


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

    def merged(self, other: _Layer) -> _Layer:
        """The needles of both; AttnvizError where they are of other heads."""
        require_same("head", list(self.heads), list(other.heads))
        return self._replace(shares=self.shares.merged(other.shares), hits=self.hits + other.hits)


class RetrievalStatistics:
    """The scores of the selected heads, needle after needle.

    threshold of the name, before it is held against chance
    asked     the needles, in their order
    tokens    how many were copied, over the needles that count; read, how many the model read and wrote
    partial   whether more needles were meant to come
    source    where they come from; model, its name
    error     how far the recomputed outputs are at most from the model's own
    """

    metrics = (Copying.RETRIEVAL,)

    def __init__(self, threshold: float = HeadName.RETRIEVAL.threshold) -> None:
        self.threshold = threshold
        self.asked: tuple[Asked, ...] = ()
        self.tokens = self.read = 0
        self.partial = False
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
                hit = hits(trace, found, layer)[heads]
                before = before._replace(
                    shares=before.shares.plus(hit.mean(axis=-1)), hits=before.hits + hit.sum(axis=-1)
                )
            layers[title] = before
        errors = [self.error, trace.source.agreement.largest_error]
        vars(self).update(
            _layers=layers,
            _chance=self._chance + (chance(trace, found) if found.whole else 0.0),
            asked=(*self.asked, asked),
            tokens=self.tokens + (len(found.ids) if found.whole else 0),
            read=self.read + len(trace.tokens),
            source=trace.source.of_any_text(),
            model=trace.source.model_name,
            error=max((error for error in errors if error is not None), default=None),
        )

    def merged(self, other: RetrievalStatistics) -> RetrievalStatistics:
        """The needles of both, those of ``other`` after these."""
        both, errors = RetrievalStatistics(self.threshold), [self.error, other.error]
        vars(both).update(
            asked=self.asked + other.asked,
            tokens=self.tokens + other.tokens,
            read=self.read + other.read,
            partial=self.partial or other.partial,
            source=other.source or self.source,
            model=other.model or self.model,
            error=max((error for error in errors if error is not None), default=None),
            _layers=both_of(self._layers, other._layers),
            _chance=self._chance + other._chance,
        )
        return both

    def to_bytes(self) -> bytes:
        """All of it as a file that ``from_bytes`` reads; of the needles, which they are, and not the text around them."""
        record = {name: getattr(self, name) for name in ("threshold", "tokens", "read", "model", "error")}
        arrays = {"chance": numpy.array([self._chance])}
        for place, layer in enumerate(self._layers.values()):
            arrays |= running_arrays(layer.shares, f"layers.{place}") | {f"layers.{place}.hits": layer.hits}
        asked = [[_named(one.planted), one.written, one.copied, one.of, one.whole] for one in self.asked]
        record |= {"asked": asked, "source": dict(self.source), "layers": layers_record(self._layers)}
        return packed(Packed("needles", record, arrays))

    @classmethod
    def from_bytes(cls, content: bytes, name: str, hidden: Iterable[Planted]) -> RetrievalStatistics:
        """What ``to_bytes`` wrote of some of the ``hidden`` needles; AttnvizError, which calls it ``name``, where it is damaged."""
        held, known = unpacked(content, name), {_named(one): one for one in hidden}
        with of_file(name):
            require_of(held, "needles")
            require_record(held.record, FIELDS)
            record, arrays = held.record, held.arrays
            own = cls(float(record["threshold"]))
            try:
                own.asked = tuple(Asked(known[which], *rest) for which, *rest in record["asked"])
                own._chance = float(arrays["chance"][0])
                counts = [arrays[f"layers.{place}.hits"] for place in range(len(record["layers"]))]
            except (KeyError, IndexError, TypeError, ValueError):
                raise AttnvizError("its needles are missing or damaged") from None
            for place, (layer, found) in enumerate(zip(record["layers"], counts, strict=True)):
                shares = running_of(arrays, f"layers.{place}", (len(layer["heads"]),), len(own.asked))
                own._layers[shown_line(layer["title"])] = _Layer(layer["number"], tuple(layer["heads"]), shares, found)
            vars(own).update({name: record[name] for name in ("tokens", "read", "model", "error")})
            own.error, own.source = real(own.error), read_origin(record["source"])
            return own

    @property
    def texts(self) -> int:
        """How many needles were asked for."""
        return len(self.asked)

    @property
    def skipped(self) -> int:
        """None is left out: one that cannot be asked for ends the run."""
        return 0

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


def ask(
    statistics: RetrievalStatistics,
    write: Any,
    hidden: Sequence[Planted],
    layer: Iterable[str],
    head: Iterable[str],
    report: Progress = no_progress,
) -> None:
    """Have ``write`` copy the needles, and add each to ``statistics``; ``report`` is told how many are done, of how many."""
    for done, needle in enumerate(hidden):
        report(done, len(hidden))
        trace = write(needle.text, WRITTEN, sampling=Sampling(), alternatives=1)
        statistics.add(trace, needle, select(trace, layer=list(layer), head=list(head)))


def require_copies(statistics: RetrievalStatistics) -> None:
    """Refuse a model that has copied nothing: then no head can be said to retrieve."""
    if not statistics.copied:
        raise AttnvizError(
            "{model} has copied none of the {count} needles, so no head can be said to retrieve one",
            "take a larger model, or hide them in less text (--needle-words)",
            model=statistics.model,
            count=len(statistics.asked),
        )


def _named(needle: Planted) -> str:
    """Which needle it is."""
    return f"{needle.words} {needle.depth!r} {needle.needle.cue}"


def _written(trace: Trace) -> str:
    """What the model wrote: its text or, where only tokens are known, these."""
    if trace.generation is None:
        return ""
    return trace.generation.text if trace.generation.text is not None else " ".join(trace.generation.chosen)
