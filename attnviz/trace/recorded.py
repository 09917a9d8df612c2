"""What a recording says of each attention that ran: the facts of its table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, overload

from attnviz.trace.public import public


class Kept(StrEnum):
    """What is kept of an attention."""

    WHOLE = "whole"  # query, key, value and the rule
    WEIGHTS = "weights"  # what the softmax left, and nothing of how it came about
    NOTHING = "nothing"


class How(StrEnum):
    """How a module computed its attention."""

    SDPA = "sdpa"  # torch's scaled_dot_product_attention
    FLEX = "flex"  # torch's flex_attention
    BY_HAND = "handwritten"  # a product, a softmax and another product


@dataclass(frozen=True)
class RecordedLayer:
    """One attention that ran inside a recording.

    number    its number in the recording, from 0
    path      of the module that ran it; call, how often that had run before
    how       what computed it
    items     how many there were in the batch; windows, how many of them belong to one item of the module's input
    heads, kv_heads, queries, keys, d_k, d_v   its sizes; 0 where they are not known
    kept      what is kept of it
    error     the largest difference from what the module computed (agreement.py); None where nothing was compared
    notes     why not all is kept, and what else a reader should know
    """

    number: int
    path: str
    call: int
    how: How
    items: int = 0
    windows: int = 1
    heads: int = 0
    kv_heads: int = 0
    queries: int = 0
    keys: int = 0
    d_k: int = 0
    d_v: int = 0
    kept: Kept = Kept.NOTHING
    error: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordedLayers(Sequence[RecordedLayer]):
    """The attentions of a recording, in the order in which they ran. It prints as a table."""

    rows: tuple[RecordedLayer, ...]
    notes: tuple[str, ...] = ()

    @overload
    def __getitem__(self, place: int) -> RecordedLayer: ...
    @overload
    def __getitem__(self, place: slice) -> RecordedLayers: ...
    def __getitem__(self, place: int | slice) -> RecordedLayer | RecordedLayers:
        return RecordedLayers(self.rows[place], self.notes) if isinstance(place, slice) else self.rows[place]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[RecordedLayer]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return public("attnviz.renderers.recorded.layer_table.to_text", self)  # type: ignore[no-any-return]

    def __rich__(self) -> Any:
        """The same in colour, on a Rich console."""
        return public("attnviz.renderers.recorded.layer_table.to_renderable", self)

    def _repr_html_(self) -> str:
        """The same in a notebook."""
        return public("attnviz.renderers.recorded.layer_html.to_html", self)  # type: ignore[no-any-return]
