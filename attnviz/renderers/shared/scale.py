"""The one scale of the values of a picture: its ends, and whether it grows by equal steps or by equal factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy

from attnviz.choices import CONTRIBUTIONS, MapStep
from attnviz.errors import AttnvizError

TOWERING = 3.0  # times the 99th percentile: from there the largest weights leave the scale
FAR = 30.0  # times the scale's end: from there it grows by factors, or a needle would look like what surrounds it
TOWERED = (MapStep.WEIGHTS, *CONTRIBUTIONS)  # the steps of which a few may tower over all others
HUGE = 1e30  # further apart than from -HUGE to HUGE, a float32 can hardly say how far
LEAST_SHARE = 1e-6  # of what a scale ends with: what is below has the first colour of the scale


class Scale(NamedTuple):
    """Which values the colours stand for.

    low, high  what the first colour and the last stand for
    largest    the largest value, which may lie above the scale; of a diverging scale, on either side of 0
    diverging  whether the scale has a middle, 0, and two arms
    decades    whether it grows by equal factors; then ``low`` is above 0 and has the colour of all below, and nothing is above
    least      the smallest value where it may lie below the scale
    """

    low: float
    high: float
    largest: float
    diverging: bool = False
    decades: bool = False
    least: float = 0.0

    @property
    def above(self) -> bool:
        """Whether values lie above the scale: more than the noise of their arithmetic."""
        return self.largest > self.high + 1e-5 * abs(self.high)

    @property
    def below(self) -> bool:
        """Whether values lie below the scale."""
        return self.least < self.low - 1e-5 * abs(self.low)

    @property
    def unit(self) -> float:
        """What numbers are divided by before one is subtracted from another, which could overflow: a power of two; 1
        where the scale ends at usual numbers."""
        largest = max(-self.low, self.high)
        return 2.0 ** (math.frexp(largest)[1] - 1) if largest > HUGE else 1.0

    def place(self, value: float) -> float:
        """Where ``value`` stands between the first colour, 0, and the last, 1."""
        if self.decades:
            low, value, high = (math.log(max(number, self.low)) for number in (self.low, value, self.high))
        else:
            low, value, high = (number / self.unit for number in (self.low, value, self.high))
        return min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)


def scale_of(maps: Sequence[numpy.ndarray], step: MapStep, pooled: bool = False) -> Scale:
    """One scale for all ``maps``, −∞ where hidden; ``pooled`` says whether their cells are of many pairs.

    Weights go from 0 to the largest; scores alike on both sides of 0 if they have both signs. Where a few weights
    (the first rows of a causal map) tower over all others, the scale ends at the 99th percentile, and the colour
    bar says so: else a long text gives a picture of one colour. Where they tower high, and in any pooled map, the
    scale grows by factors instead: the mean weights of a long causal map fall as 1 / position.
    """
    finite = numpy.concatenate([values[numpy.isfinite(values)] for values in maps])
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    if step not in TOWERED or low < 0:
        side = max(-low, high)
        return Scale(0.0, high or 1.0, high) if low >= 0 else Scale(-side, side, side, diverging=True)
    usual = float(numpy.quantile(finite, 0.99)) if finite.size else 0.0
    if high <= TOWERING * usual or not usual:
        return Scale(0.0, high or 1.0, high)
    top = float(f"{usual:.1g}")
    return _decades(finite, high) if high > (1.0 if pooled else FAR) * top else Scale(0.0, top, high)


def with_ends(scale: Scale, maps: Sequence[numpy.ndarray], low: float | None, high: float | None) -> Scale:
    """``scale`` from ``low`` to ``high``, by equal steps; None: the end that it has, or mirrored where the scale has two arms.

    It keeps two arms only where they are of one length, so that its middle is 0. AttnvizError where it would have no length.
    """
    if low is None and high is None:
        return scale
    if scale.diverging:
        lower, upper = (
            (-high if low is None and high is not None else low),
            (-low if high is None and low is not None else high),
        )
    else:
        lower, upper = (0.0 if low is None else low), (max(scale.high, scale.largest) if high is None else high)
    assert lower is not None
    assert upper is not None
    if not lower < upper:
        raise AttnvizError(
            "the colours would go from {lower:g} to {upper:g}: the upper end must be above the lower",
            "choose other ends with --vmin and --vmax",
            lower=lower,
            upper=upper,
        )
    finite = numpy.concatenate([values[numpy.isfinite(values)] for values in maps])
    least, largest = float(finite.min(initial=math.inf)), float(finite.max(initial=-math.inf))
    return Scale(
        lower,
        upper,
        largest if finite.size else upper,
        diverging=scale.diverging and lower == -upper,
        least=least if finite.size else lower,
    )


def beyond(value: float) -> str:
    """What stands at the tip of a scale that ends before ``value``, the last there is."""
    return f"→ {value:#.2g}" if value else "→ 0"


def _decades(values: numpy.ndarray, largest: float) -> Scale:
    """A scale by factors: up to the largest value, since another factor of ten costs it few colours, but not down to
    the smallest, since there is no end to how small weights get."""
    high = _round_up(largest)
    least = float(numpy.quantile(values[values > 0], 0.01))
    return Scale(_round_down(max(least, high * LEAST_SHARE)), high, largest, decades=True, least=float(values.min()))


def _round_up(value: float) -> float:
    """Two digits, no smaller than ``value`` but for the noise of its arithmetic: 1.0000001 is 1."""
    digits, exponent = f"{value:e}".split("e")
    return float(f"{math.ceil(float(digits) * 10 - 1e-4)}e{int(exponent) - 1}")


def _round_down(value: float) -> float:
    """One digit, no larger than ``value``, and above 0 as it is."""
    digits, exponent = f"{value:e}".split("e")
    return float(f"{digits[0]}e{exponent}")
