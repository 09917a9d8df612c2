"""What was measured of one text, before it is counted among others: texts can be measured side by side, and are counted in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from attnviz.analysis.corpus.layer_state import OfText
from attnviz.analysis.corpus.state import Region
from attnviz.trace.origin import Origin
from attnviz.trace.selection import LayerSelection


class NamedHeads(NamedTuple):
    """Heads of a layer, by the layer's title and its number."""

    title: str
    number: int
    heads: tuple[int, ...]


class MeasuredText(NamedTuple):
    """What was measured of one text.

    layers    those that were measured as one: their heads, and what these have
    left_out  the mean share of the weights that went to keys that are left out; NaN: there are none
    tokens    how many the text has; excerpt, how it begins, where that is asked for; source, where it was read
    regions, skips_tokens, toward  as of ``State``
    """

    layers: Sequence[tuple[Sequence[NamedHeads], OfText]]
    left_out: float
    tokens: int
    excerpt: str
    source: Origin
    regions: frozenset[Region]
    skips_tokens: bool
    toward: str


def region_of(selected: LayerSelection) -> Region:
    """The queries and the keys that are looked at, None where that is all of them."""
    queries, keys = selected.ranges
    layer = selected.layer
    return queries if len(queries) < layer.queries else None, keys if len(keys) < layer.keys else None
