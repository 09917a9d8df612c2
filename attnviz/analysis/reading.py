"""What a step of a generation read: the words with the largest weights, in the heads that are asked for or that move most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.text.message import Message
from attnviz.trace.layer import Layer
from attnviz.trace.layer_facts import layer_words
from attnviz.trace.roles import WORN, HeadRole
from attnviz.trace.selectors import layer_filter, layers_meant, numbers_meant
from attnviz.trace.written import Written

SHOWN = 3  # heads, where none is named; and words of each
LEAST = 0.001  # of a weight that is told beside a larger one: a smaller one says nothing
ROWS = 16  # the last positions over which it is measured how far a head moves


class ReadWord(NamedTuple):
    """A key with its weight; with its position where another key is the same token."""

    token: str
    weight: float
    position: int | None = None


class HeadReading(NamedTuple):
    """What one head read in one step: the keys with the largest weights, the largest first; ``layer`` is its title, and
    ``roles`` are those that the head wears."""

    layer: str
    head: int
    words: tuple[ReadWord, ...]
    roles: tuple[HeadRole, ...] = ()


class Reader:
    """The readings of the same few heads, step after step.

    layer, head  numbers and ranges, as --layer and --head take them. Of both, all these heads are shown; of none, those that
                 wear a role, where any does; else the three of them that move most: whose weights differ most from one
                 position to the next (half the sum of the absolute differences, which is the total variation distance), on
                 average over the last positions, up to 16. They are chosen at the first step with two positions, for one
                 shows no move, and stay.
    """

    def __init__(self, layer: Sequence[str] = (), head: Sequence[str] = (), words: int = SHOWN) -> None:
        self._layer, self._head, self._words = layer, head, words
        self._heads: list[tuple[str, int]] | None = None

    def of(self, written: Written) -> list[HeadReading]:
        """What the chosen heads read in a step; nothing before they can be chosen."""
        there = {layer.title: layer for layer in written.rows(1)}
        worn = _worn(written.roles, there)
        if self._heads is None and not self._layer and not self._head:
            self._heads = list(worn) or None
        if self._heads is None:
            layers = written.rows(ROWS)
            if not (self._layer and self._head) and layers[0].queries == 1:
                return []
            self._heads = self._chosen(layers)
        return [
            HeadReading(title, head, self._read(there[title], head), worn.get((title, head), ()))
            for title, head in self._heads
        ]

    def _chosen(self, layers: Sequence[Layer]) -> list[tuple[str, int]]:
        layers_meant(self._layer, [(layer.stack, layer.index) for layer in layers], Message("the model"))
        wanted = layer_filter(self._layer)
        there = [layer for layer in layers if wanted(layer.stack, layer.index)]
        heads = [(one, head) for one in there for head in self._named(one)]
        if self._layer and self._head:
            return [(layer.title, head) for layer, head in heads]
        moves = {layer.title: head_moves(layer) for layer in there}
        heads.sort(key=lambda place: -moves[place[0].title][place[1]])  # stable: the first of equals
        return [(layer.title, head) for layer, head in heads[:SHOWN]]

    def _named(self, layer: Layer) -> tuple[int, ...]:
        return numbers_meant("head", self._head, range(layer.heads), layer_words(layer.title))

    def _read(self, layer: Layer, head: int) -> tuple[ReadWord, ...]:
        weights = to_numpy(layer.steps(head, layer.queries - 1).weights)[0]  # (keys,)
        order = numpy.argsort(-weights, kind="stable")[: self._words]
        tokens = layer.key_tokens or layer.tokens or ()
        often = Counter(tokens)
        return tuple(
            ReadWord(tokens[key], float(weights[key]), key if often[tokens[key]] > 1 else None)
            for place, key in enumerate(order.tolist())
            if weights[key] >= LEAST or (place == 0 and weights[key] > 0)
        )


def _worn(roles: Sequence[HeadRole], there: Mapping[str, Layer]) -> dict[tuple[str, int], tuple[HeadRole, ...]]:
    """The roles that heads of the layers that are ``there`` wear, by the layer's title and the head, as ``roles`` has them."""
    worn: dict[tuple[str, int], tuple[HeadRole, ...]] = {}
    for one in roles:
        place = (f"layer {one.layer}", one.head)
        if one.verdict in WORN and place[0] in there and one.head < there[place[0]].heads:
            worn[place] = (*worn.get(place, ()), one)
    return worn


def head_moves(layer: Layer) -> numpy.ndarray:
    """How far the weights of each head move from one query to the next, from 0 to 1: (heads,)."""
    weights = to_numpy(layer.steps().weights)  # (heads, queries, keys)
    if weights.shape[1] < 2:
        return numpy.zeros(len(weights))
    moves: numpy.ndarray = numpy.abs(numpy.diff(weights, axis=1)).sum(axis=-1).mean(axis=-1) / 2
    return moves
