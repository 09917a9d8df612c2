"""Weights whose rows do not add up to 1: told, not mended, for a sink, dropout or a lost tile may be just what is looked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy

from attnviz.attention.arrays import Array, to_numpy
from attnviz.attention.known_weights import rounding, sum_tolerance
from attnviz.text.message import Message
from attnviz.trace.layer import Layer
from attnviz.trace.layer_facts import layer_words


class RowSums(NamedTuple):
    """How many rows of weights do not add up to 1, by more than rounding, and the one that is furthest from it.

    off, rows            so many of so many
    layer, head, query   where the furthest is; the layer by its title
    sum                  what that row adds up to
    """

    off: int
    rows: int
    layer: str
    head: int
    query: int
    sum: float

    @property
    def told(self) -> str:
        """One line that says it."""
        return Message(
            "{off:,} of {rows:,} rows of weights do not add up to 1: in {layer}, head {head}, query {query} they add up to {sum:.4g}",
            **self._asdict() | {"layer": layer_words(self.layer)},
        )


def row_sums(layers: Iterable[Layer]) -> RowSums | None:
    """What is to be told of the weights of ``layers``; None where all rows add up to 1, or no layer is of weights alone."""
    found = [one for layer in layers if layer.weights is not None for one in _of_layer(layer, layer.weights)]
    off = [one for one in found if one.off]
    if not off:
        return None
    furthest = max(off, key=lambda one: abs(1 - one.sum))
    return furthest._replace(off=sum(one.off for one in off), rows=sum(one.rows for one in found))


def _of_layer(layer: Layer, weights: Array) -> Iterator[RowSums]:
    """The rows of each head; a query that sees no key is none of them."""
    most = sum_tolerance(rounding(weights), layer.keys)
    for head in range(layer.heads):
        steps = layer.steps(head)
        seeing = ~to_numpy(steps.blind)
        sums = to_numpy(steps.weights).sum(axis=-1, dtype=numpy.float64)
        apart = numpy.where(seeing, abs(1 - sums), 0)
        query = int(apart.argmax())
        off, rows = int((apart > most).sum()), int(seeing.sum())
        yield RowSums(off, rows, layer.title, head, query, float(sums[query]))
