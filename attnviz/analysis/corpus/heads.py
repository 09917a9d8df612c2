"""What statistics give of a head: its numbers over all texts, and the names that it has earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from attnviz.analysis.corpus.running import Running
from attnviz.analysis.corpus.top_texts import TopText
from attnviz.analysis.head_names import Found, HeadName

Order = TypeVar("Order", bound=StrEnum, contravariant=True)
NOTHING: Mapping[Any, Any] = MappingProxyType({})
NO_LIMITS: Mapping[HeadName, float | None] = MappingProxyType({})


@dataclass(frozen=True)
class Value:
    """One metric of one head over all texts; NaN for what is not known."""

    mean: float
    deviation: float
    count: int


class Head(NamedTuple):
    """One row of the table: a head, its value for each metric, and the names that it has earned.

    ``limits`` says what each name takes here, None where the texts cannot tell; nothing where no names are given. ``quantiles``
    has of each metric the values below which the shares of texts lie that were asked for, and ``top`` the texts with its largest
    values; nothing where these are not kept.
    """

    layer: str  # "layer 3", "cross 3"
    number: int
    head: int | None  # None: all heads of the layer as one
    values: Mapping[Any, Value]  # by metric, or by effect
    names: tuple[Found, ...] = ()
    limits: Mapping[HeadName, float | None] = NO_LIMITS
    quantiles: Mapping[Any, Sequence[float]] = NOTHING
    top: Mapping[Any, Sequence[TopText]] = NOTHING


class HasHeads(Protocol[Order]):
    """Statistics of heads, of whatever is measured."""

    def heads(self, sort: Order | None = None) -> list[Head]:
        """All heads, sorted by what was measured."""


def value_of(running: Running, *place: int) -> Value:
    """What is known of one place of an array."""
    return Value(float(running.mean[place]), float(running.deviation[place]), int(running.count[place]))
