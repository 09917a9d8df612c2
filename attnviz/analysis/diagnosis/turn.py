"""A rotary position embedding that was meant, or done: which numbers turn, how fast, and from where the positions count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy

from attnviz.trace.rotation import Rotation


@dataclass(frozen=True)
class Turn:
    """One rotation (Su et al. 2021, "RoFormer", 2104.09864, equation 34).

    theta      the base of the frequencies: pair i turns by theta^(−2i / width) a position
    dims       how many of the first numbers turn
    width      what the exponents are divided by; mostly dims
    interleaved  whether pairs are the numbers 2i and 2i + 1, and not i and i + dims / 2
    positions  of the tokens
    direction  1, or −1 for the other way round
    of_items   how much further the tokens of each item stand than ``positions``, (items, tokens); none where all stand alike
    """

    theta: float
    dims: int
    width: int
    interleaved: bool
    positions: tuple[float, ...]
    direction: int = 1
    of_items: tuple[tuple[float, ...], ...] = ()

    def but(self, **changes: Any) -> Turn:
        """The same but for ``changes``."""
        return replace(self, **changes)

    @property
    def frequencies(self) -> numpy.ndarray:
        pairs = numpy.arange(self.dims // 2)
        frequencies: numpy.ndarray = self.direction * self.theta ** (-2 * pairs / self.width)
        return frequencies

    def at(self, places: Sequence[int]) -> Turn:
        """Of the tokens at ``places`` alone, in that order."""
        some = tuple(tuple(item[place] for place in places) for item in self.of_items)
        return self.but(positions=tuple(self.positions[place] for place in places), of_items=some)

    def turned(self, array: numpy.ndarray, items: Sequence[int] | None = None) -> numpy.ndarray:
        """(…, tokens, d) as it is after the rotation; where each item has its own, (items, …, tokens, d), of these ``items``."""
        rotation = Rotation(self.frequencies, not self.interleaved)
        if not self.of_items:
            return rotation.turned(array, numpy.asarray(self.positions))  # type: ignore[arg-type]  # an array is a sequence of positions, too
        further = numpy.asarray(self.of_items)[slice(None) if items is None else list(items)]
        places = numpy.asarray(self.positions) + further
        return numpy.stack([rotation.turned(one, own) for one, own in zip(array, places, strict=True)])
