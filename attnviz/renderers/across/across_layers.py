"""What Python gets of attention that is followed through layers: the map, each token's share, and both as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy

from attnviz.analysis.across.following import Followed, Following, Shares, shares
from attnviz.choices import Language
from attnviz.renderers.across.numbers import (
    SHARE_COLUMNS,
    map_csv,
    map_json,
    share_records,
    shares_csv,
    shares_json,
    whole_map,
)
from attnviz.renderers.shared.frames import to_pandas, to_polars
from attnviz.renderers.shared.plain import plain
from attnviz.text.lessons import lessons
from attnviz.trace.selection import Selection
from attnviz.trace.trace import Trace


@dataclass(frozen=True, eq=False)
class AcrossLayers:
    """What queries read through all layers of a trace. It prints as the table of ``attnviz stats --across``; the map and the
    shares are each computed when they are first asked for.

    trace, selection  of what, and which layers, heads, queries and keys
    following         rollout or flow, what stands for the heads, and the residual
    language          in which it prints
    """

    trace: Trace
    selection: Selection
    following: Following
    language: Language = Language.EN

    @property
    def values(self) -> numpy.ndarray:
        """The map of ``attnviz heatmap --across``, (queries, keys) or, of one query, (layers, keys) from the last layer to the
        first: shares that add up to 1, or flows; −∞ where no way leads to a token."""
        return self._map.values

    @property
    def shares(self) -> numpy.ndarray:
        """What each key gives to the queries, on average, (keys,); −∞ where no way leads to it."""
        return self._shares.values

    @property
    def error(self) -> float:
        """By how much true flows are larger than what was found, at the most; 0 for rollout."""
        return self._shares.error

    @property
    def records(self) -> list[dict[str, Any]]:
        """The shares with position and token of each key; None where no way leads to it."""
        return share_records(self.trace, self._shares)

    def to_csv(self) -> str:
        """The shares, as ``attnviz stats --across --format csv`` writes them."""
        return shares_csv(self.trace, self._shares)

    def to_json(self) -> str:
        """The shares, as ``attnviz stats --across --format json`` writes them."""
        return shares_json(self.trace, self._shares).decode()

    def to_pandas(self) -> Any:
        """The records as a DataFrame of pandas; AttnvizError where that is not installed."""
        return to_pandas(self.records, SHARE_COLUMNS)

    def to_polars(self) -> Any:
        """The records as a DataFrame of polars; AttnvizError where that is not installed."""
        return to_polars(self.records, SHARE_COLUMNS)

    def map_csv(self) -> str:
        """The map, as ``attnviz heatmap --across --format csv`` writes it."""
        return map_csv(self.trace, self._map)

    def map_json(self) -> str:
        """The map, as ``attnviz heatmap --across --format json`` writes it."""
        return map_json(self.trace, self._map).decode()

    def __str__(self) -> str:
        """The table, as ``attnviz stats --across`` prints it."""
        return plain(self)

    def __rich__(self) -> Any:
        """The same in colour, on a Rich console."""
        from attnviz.renderers.across.shares import to_renderable

        return to_renderable(self.trace, self._shares, lessons(self.language))

    def _repr_html_(self) -> str:
        """The same in a notebook."""
        from attnviz.renderers.across.share_html import to_html

        return to_html(self.trace, self._shares, lessons(self.language))

    def __repr__(self) -> str:
        merging = self.following.merging
        layers = len(self.selection.layers if merging is None else merging.way.layers)
        across = self.following.across.value
        return f"AcrossLayers({across} through {layers} layers; print() shows each token's share)"

    @cached_property
    def _map(self) -> Followed:
        return whole_map(self.trace, self.selection, self.following)

    @cached_property
    def _shares(self) -> Shares:
        return shares(self.trace, self.selection, self.following)
