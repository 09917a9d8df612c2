"""What was measured of one text, as rows: one for each of its heads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy

Row = tuple[str, int, int, str, int | None, list[float]]


class MeasuredLayer(NamedTuple):
    """What was measured of a layer of one text: its title, its number, its heads (None: all as one), and the metrics,
    (metrics, heads)."""

    title: str
    number: int
    heads: tuple[int | None, ...]
    values: numpy.ndarray


@dataclass(frozen=True)
class TextRows:
    """What was measured of one text.

    name    of the text
    tokens  how many it has
    layers  the measured ones
    """

    name: str
    tokens: int
    layers: tuple[MeasuredLayer, ...]

    def __iter__(self) -> Iterator[Row]:
        """A row for each head: the text's name and tokens, the layer's number and title, the head, and its metrics; NaN for none."""
        for layer in self.layers:
            for column, head in enumerate(layer.heads):
                yield self.name, self.tokens, layer.number, layer.title, head, layer.values[:, column].tolist()
