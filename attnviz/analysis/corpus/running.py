"""Mean and deviation of values that come one after the other, or in parts that are merged, and are not kept."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy


class Running:
    """Mean and standard deviation of values that come one after the other and are not kept.

    Welford 1962, "Note on a Method for Calculating Corrected Sums of Squares and Products", with a count for each place
    of an array, since a text may have a value for one place and none (NaN) for another.

    count   how many values a place has had
    means   of each place, 0 where it has had none; squares, the sum of squared distances from it
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.count = numpy.zeros(shape, dtype=int)
        self.means, self.squares = numpy.zeros(shape), numpy.zeros(shape)

    @classmethod
    def of(cls, count: numpy.ndarray, means: numpy.ndarray, squares: numpy.ndarray) -> Running:
        """What was said of it elsewhere."""
        one = cls(())
        one.count, one.means, one.squares = count, means, squares
        return one

    @classmethod
    def beside(cls, parts: Sequence[Running]) -> Running:
        """``parts`` as one, the last axis of each behind that of the one before it."""
        arrays = ([getattr(part, name) for part in parts] for name in ("count", "means", "squares"))
        return cls.of(*(numpy.concatenate(some, axis=-1) for some in arrays))

    def part(self, columns: slice) -> Running:
        """These places of the last axis alone."""
        return Running.of(self.count[..., columns], self.means[..., columns], self.squares[..., columns])

    def plus(self, values: numpy.ndarray) -> Running:
        """The same with the values of one more text; NaN is no value."""
        known = ~numpy.isnan(values)
        count = self.count + known
        before = numpy.where(known, values - self.means, 0.0)
        means = self.means + before / numpy.maximum(count, 1)
        squares = self.squares + before * numpy.where(known, values - means, 0.0)
        return Running.of(count, means, squares)

    def merged(self, other: Running) -> Running:
        """The values of both, whichever came first.

        Chan, Golub and LeVeque 1979, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", (2.1).
        """
        count = self.count + other.count
        share = other.count / numpy.maximum(count, 1)
        apart = other.means - self.means
        means = numpy.where(other.count > self.count, other.means - apart * (1 - share), self.means + apart * share)
        squares = self.squares + other.squares + apart**2 * self.count * share
        return Running.of(count, means, squares)

    @property
    def mean(self) -> numpy.ndarray:
        """NaN where no text had a value."""
        return numpy.where(self.count > 0, self.means, math.nan)

    @property
    def deviation(self) -> numpy.ndarray:
        """The standard deviation over the texts, as of a sample (divided by count − 1); NaN below two texts."""
        return numpy.where(self.count > 1, numpy.sqrt(self.squares / numpy.maximum(self.count - 1, 1)), math.nan)
