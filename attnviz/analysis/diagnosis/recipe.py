"""How attention is computed, stage by stage, so that a mistake can change one stage and keep the rest of what was meant."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy

from attnviz.analysis.diagnosis.turn import Turn
from attnviz.attention.arrays import Array as Array
from attnviz.attention.formula import softmax
from attnviz.attention.visibility import Visibility


class View(NamedTuple):
    """Some rows: all queries at ``rows`` of all ``heads`` of all ``items``, each an array of numbers."""

    items: Array
    heads: Array
    rows: Array

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.items), len(self.heads), len(self.rows)


class Logits(NamedTuple):
    """What a softmax is given.

    logits   scaled, capped, biased, hidden cells −∞       (items, heads, rows, keys)
    hidden   the cells that the rule hides                 (items, heads, rows, keys)
    sinks    one logit a head, or None                     (heads, 1, 1)
    value    of each head                                  (items, heads, keys, d_v)
    """

    logits: Array
    hidden: Array
    sinks: Array | None
    value: Array


class Computed(NamedTuple):
    """weights (items, heads, rows, keys) · output (items, heads, rows, d_v) · logits, those of the softmax"""

    weights: Array
    output: Array
    logits: Array


class Rounded(NamedTuple):
    """Bits of the significand that are left of numbers on their way; None: all. ``inputs`` are queries and keys."""

    inputs: int | None = None
    values: int | None = None
    scores: int | None = None
    weights: int | None = None


EXACT = Rounded()


class Moved(NamedTuple):
    """What becomes of weights, (items, heads, queries, keys), before they meet the values: ``change`` reads all of one axis,
    ``along``: "heads" or "queries"."""

    along: str
    change: Callable[[Array], Array]


@dataclass(frozen=True)
class Hiding:
    """What becomes of a hidden cell: its logit is ``fill``, or has ``plus`` added; or its weight is 0 ``after`` softmax.

    ``mask`` and ``band`` say whether it does so with what the mask, and with what causal and window hide. The other
    cells are hidden as they should be.
    """

    fill: float | None = None
    plus: float | None = None
    after: bool = False
    mask: bool = True
    band: bool = True


@dataclass(frozen=True)
class Band:
    """How far causal and window let a query see: key − position in [−before, after]; and where the first query stands."""

    before: float
    after: float
    offset: int

    def seen(self, rows: Array, queries: int, keys: int) -> Array | None:
        """(rows, keys), or None where all see all."""
        visibility = Visibility(queries, keys, self.offset, self.before, self.after)
        return visibility.cells(rows[:, None], numpy.arange(keys)[None])


def by_softmax(given: Logits) -> Array:
    """The weights as they should be."""
    weights: Array = softmax(given.logits, given.sinks)
    return weights


def weighted(weights: Array, given: Logits) -> Array:
    """The output as it should be."""
    output: Array = weights @ given.value
    return output


@dataclass(frozen=True, eq=False)
class Recipe:
    """All stages of attention.

    query (items, heads, queries, d), key and value (items, kv_heads, keys, d), float64, before any rotation
    groups       which kv head each head reads, (heads,); value_groups, of the values, where they differ
    key_places, value_places   the tokens that are read, in this order, once the keys are turned; None: as they are
    turn_query, turn_key, turn_value   rotations, one after the other
    cap_at       what the softcap is applied to, or how: see ``computing.CAPS``
    mask, bias   (items or 1, heads or 1, queries or 1, keys or 1)
    lost         cells that are hidden beside the rule, the same axes
    either       whether a cell is seen that the mask or the band shows, instead of both
    sharpness    factor of all logits
    added        added to the weights after softmax, the same axes
    over         the axis of the softmax: "keys", "queries", "heads" or "items"
    move         what becomes of the weights before they meet the values
    weigh, combine   from logits to weights, and from weights to the output
    blind        what a row becomes that sees nothing: 0, NaN, or the mean of all values (None)
    read         the output as it should lie in memory, from how it does
    precision    the type in which all is computed
    """

    query: Array
    key: Array
    value: Array
    scale: float
    groups: Array
    band: Band
    value_groups: Array | None = None
    key_places: Array | None = None
    value_places: Array | None = None
    turn_query: tuple[Turn, ...] = ()
    turn_key: tuple[Turn, ...] = ()
    turn_value: tuple[Turn, ...] = ()
    softcap: float | None = None
    cap_at: str = "scaled"
    mask: Array | None = None
    bias: Array | None = None
    sinks: Array | None = None
    lost: Array | None = None
    either: bool = False
    hiding: Hiding | None = None
    sharpness: float = 1.0
    added: Array | None = None
    over: str = "keys"
    move: Moved | None = None
    weigh: Callable[[Logits], Array] = by_softmax
    combine: Callable[[Array, Logits], Array] = weighted
    blind: float | None = 0.0
    read: Callable[[Array], Array] | None = None
    rounded: Rounded = EXACT
    only_weights: bool = False
    precision: Any = numpy.float64
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    def but(self, **changes: Any) -> Recipe:
        """The same with other stages. (A diagnosis makes many hundreds: dataclasses.replace would take a fifth of its time.)"""
        if not changes.keys() <= STAGES:
            raise TypeError(changes.keys() - STAGES)
        own = vars(self)
        made = object.__new__(Recipe)
        vars(made).update({name: own[name] for name in STAGES} | changes)
        return made

    @property
    def items(self) -> int:
        return int(self.query.shape[0])

    @property
    def heads(self) -> int:
        return int(self.query.shape[1])

    @property
    def key_heads(self) -> int:
        return int(self.key.shape[1])

    @property
    def queries(self) -> int:
        return int(self.query.shape[2])

    @property
    def keys(self) -> int:
        return int(self.key.shape[2])

    @property
    def dimension(self) -> int:
        return int(self.query.shape[3])

    @property
    def is_causal(self) -> bool:
        return self.band.after == 0

    @property
    def has_window(self) -> bool:
        return self.band.before < math.inf

    @property
    def hides(self) -> bool:
        """Whether any cell is hidden."""
        return not bool(self.seen.all())

    @cached_property
    def whole(self) -> View:
        """All rows."""
        return View(numpy.arange(self.items), numpy.arange(self.heads), numpy.arange(self.queries))

    @cached_property
    def seen(self) -> Array:
        """The cells that the rule shows: (items or 1, heads or 1, queries, keys)."""
        band = self.band.seen(numpy.arange(self.queries), self.queries, self.keys)
        shown = numpy.ones((1, 1, self.queries, self.keys), bool) if band is None else band[None, None]
        if self.mask is not None:
            shown = shown | self.mask if self.either else shown & self.mask
        return shown if self.bias is None else shown & (self.bias > -math.inf)


STAGES = frozenset(one.name for one in fields(Recipe))
