"""A rotary position embedding, as a layer records it: by which angles queries and keys were turned, and which numbers are a pair.

Su et al. 2021, "RoFormer" (2104.09864), equation 34.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from attnviz.attention.arrays import Array, to_numpy
from attnviz.attention.checks import require_finite
from attnviz.errors import AttnvizError
from attnviz.text.message import Message


@dataclass(frozen=True, eq=False)
class Rotation:
    """Each pair of numbers of a token's query and key, turned by its position × the frequency of the pair.

    frequencies  (pairs,): radians a position; the numbers beyond the last pair are not turned
    halves       whether pair i is the numbers i and i + pairs, and not 2i and 2i + 1
    gain         what every pair is multiplied with, too
    """

    frequencies: numpy.ndarray
    halves: bool = False
    gain: float = 1.0

    def __post_init__(self) -> None:
        frequencies = numpy.asarray(to_numpy(self.frequencies), numpy.float64)
        if frequencies.ndim != 1 or not len(frequencies):
            raise AttnvizError(
                "the frequencies of a rotation have the shape {shape}, expected (pairs,)", shape=frequencies.shape
            )
        require_finite(frequencies, Message("the frequencies of a rotation"))
        if not (math.isfinite(self.gain) and self.gain > 0):
            raise AttnvizError("the gain of a rotation is {gain}: it must be a number above 0", gain=self.gain)
        vars(self).update(frequencies=frequencies)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Which two numbers each pair is."""
        count = len(self.frequencies)
        return [(place, place + count) if self.halves else (2 * place, 2 * place + 1) for place in range(count)]

    @property
    def _sides(self) -> tuple[slice, slice]:
        """The first numbers of all pairs, and the second ones."""
        count = len(self.frequencies)
        return (
            (slice(count), slice(count, 2 * count)) if self.halves else (slice(0, 2 * count, 2), slice(1, 2 * count, 2))
        )

    def angles(self, positions: Sequence[int] | numpy.ndarray) -> numpy.ndarray:
        """The angle of each pair of the tokens at these positions, in radians, (tokens, pairs)."""
        angles: numpy.ndarray = numpy.asarray(positions)[:, None] * self.frequencies
        return angles

    def turned(self, array: Array, positions: Sequence[int] | None = None) -> numpy.ndarray:
        """(heads, tokens, d) as it is after the rotation; the tokens stand at these ``positions``, or one after the other."""
        values = to_numpy(array)
        places = range(values.shape[1]) if positions is None else positions
        return self._turned(values, self.angles(places), self.gain)

    def turned_back(self, array: Array, positions: Sequence[int] | None = None) -> numpy.ndarray:
        """(heads, tokens, d) as it was before the rotation; the tokens stand at these ``positions``, or one after the other."""
        values = to_numpy(array)
        places = range(values.shape[1]) if positions is None else positions
        return self._turned(values, -self.angles(places), 1 / self.gain)

    def _turned(self, array: numpy.ndarray, angles: numpy.ndarray, gain: float) -> numpy.ndarray:
        first, second = self._sides
        result = numpy.array(array, numpy.float64)
        cosine, sine = gain * numpy.cos(angles), gain * numpy.sin(angles)
        result[..., first] = array[..., first] * cosine - array[..., second] * sine
        result[..., second] = array[..., first] * sine + array[..., second] * cosine
        return result
