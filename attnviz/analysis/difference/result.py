"""What is known of the difference of two traces: which tokens are the same, and how far each pair of heads is apart."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.difference.alignment import Alignment
from attnviz.analysis.difference.apart import Apart, Places
from attnviz.analysis.difference.pairing import HeadPlace
from attnviz.choices import Language, Pool
from attnviz.trace.layer import Layer
from attnviz.trace.public import public
from attnviz.trace.trace import Trace


class Texts(NamedTuple):
    """What a head reads on both sides: the tokens of its queries, and those of its keys, and which of them are the same."""

    queries: Alignment
    keys: Alignment


@dataclass(frozen=True, eq=False)
class HeadDifference:
    """Two heads, and how far they are apart.

    layers      whose heads they are, (left, right)
    text        which of the difference's ``texts`` they read
    places      the positions of the queries and keys that were compared
    apart       the divergence of each of these, the largest difference, and what was compared together
    divergence  the mean over the queries, or the largest, in bits; NaN where none is known
    """

    left: HeadPlace
    right: HeadPlace
    layers: tuple[Layer, Layer]
    text: int
    places: Places
    apart: Apart
    divergence: float

    @property
    def furthest(self) -> int | None:
        """The place, among the queries that were compared, of the one with the largest divergence; None where none is known."""
        return None if math.isnan(self.divergence) else int(numpy.nanargmax(self.apart.rows))


class Source(NamedTuple):
    """One of the two that are compared: the trace, and the file that it is from, if it is from one."""

    trace: Trace
    file: str = ""


@dataclass(frozen=True, eq=False)
class Difference:
    """How far the heads of two traces, or two heads of one, are apart.

    left, right  what is compared
    tokens       which tokens of the two texts are the same
    texts        the same of what the heads read, which may be other texts: those of a decoder, of an image
    heads        each pair of heads, the furthest apart first
    only         the heads that have no partner, of the left trace and of the right
    pool         what stands for the queries of a head: their mean, or the largest
    top          how many heads are shown; None: all, of which a table has the first few
    language     in which it prints
    """

    left: Source
    right: Source
    tokens: Alignment
    texts: tuple[Texts, ...]
    heads: tuple[HeadDifference, ...]
    only: tuple[tuple[HeadPlace, ...], tuple[HeadPlace, ...]] = ((), ())
    pool: Pool = Pool.MEAN
    top: int | None = None
    language: Language = Language.EN

    @property
    def equal(self) -> bool:
        """Whether all weights that were compared are equal."""
        return all(one.divergence == 0 and one.apart.largest is None for one in self.heads)

    @property
    def shown(self) -> tuple[HeadDifference, ...]:
        """As many of the heads as are asked for."""
        return self.heads[: self.top]

    @property
    def records(self) -> list[dict[str, Any]]:
        """A flat record for each pair of heads, the furthest apart first."""
        return public("attnviz.renderers.difference.records.records", self)  # type: ignore[no-any-return]

    def to_pandas(self) -> Any:
        """The records as a DataFrame of pandas; AttnvizError where that is not installed."""
        return public("attnviz.renderers.shared.frames.to_pandas", self.records, self.records[0])

    def to_polars(self) -> Any:
        """The records as a DataFrame of polars; AttnvizError where that is not installed."""
        return public("attnviz.renderers.shared.frames.to_polars", self.records, self.records[0])

    def to_csv(self) -> str:
        """What ``attnviz diff --format csv`` writes."""
        return public("attnviz.renderers.difference.difference_csv.to_csv", self)  # type: ignore[no-any-return]

    def to_markdown(self) -> str:
        """What ``attnviz diff --format markdown`` writes."""
        return public("attnviz.renderers.difference.markdown.to_markdown", self)  # type: ignore[no-any-return]

    def to_json(self) -> str:
        """What ``attnviz diff --format json`` writes."""
        return public("attnviz.renderers.difference.difference_json.to_json", self).decode()  # type: ignore[no-any-return]

    def heatmap(self, path: str | os.PathLike[str] | None = None, **options: Any) -> Any:
        """The weights of the heads that are furthest apart, left, right and their difference, as ``attnviz diff -o x.png``
        draws them; written to ``path`` if there is one. help(attnviz.api.diff.heatmap) says which options there are."""
        return public("attnviz.api.diff.heatmap", self, path, **options)

    def to_html(self, **options: Any) -> str:
        """One offline page that opens with these two heads side by side, as ``attnviz diff -o x.html`` writes it.
        help(attnviz.api.diff.html) says which options there are."""
        return public("attnviz.api.diff.html", self, **options)  # type: ignore[no-any-return]

    def __str__(self) -> str:
        """The table, as ``attnviz diff`` prints it."""
        return public("attnviz.renderers.difference.table.to_text", self)  # type: ignore[no-any-return]

    def __rich__(self) -> Any:
        """The same in colour, on a Rich console."""
        return public("attnviz.renderers.difference.table.to_renderable", self)

    def _repr_html_(self) -> str:
        """The same in a notebook."""
        return public("attnviz.renderers.difference.fragment.to_fragment", self)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        most = self.heads[0].divergence
        return f"Difference({len(self.heads)} pairs of heads, at most {most:.2g} bits apart; print() shows it)"
