"""Round numbers on a scale."""

from __future__ import annotations

import math

from attnviz.renderers.shared.scale import Scale

FEW_DECADES = 2.0  # a scale that has fewer has ticks between the powers of ten
MOST = 6  # ticks of a scale that grows by equal steps
HUGE = 1e150  # beyond it the arithmetic of ticks would overflow: they are found on a smaller scale
APART = 0.7  # of what each of ``most`` ticks has on average: nearer, two would touch


def ticks(scale: Scale, most: int) -> list[float]:
    """Round numbers on ``scale``, at most ``most`` of them; where it grows by factors, its ends and powers of ten."""
    if scale.decades:
        return _factor_ticks(scale, most)
    if max(-scale.low, scale.high) > HUGE:
        smaller = scale._replace(low=scale.low / HUGE, high=scale.high / HUGE)
        return [tick * HUGE for tick in ticks(smaller, most)]
    from matplotlib.ticker import MaxNLocator

    low, high = scale.low, scale.high
    values = MaxNLocator(nbins=min(most, MOST), steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    slack = (high - low) * 1e-6
    return [float(value) for value in values if low - slack <= value <= high + slack]


def _factor_ticks(scale: Scale, most: int) -> list[float]:
    """The ends first, then powers of ten, then their doubles and fives, each where it has room beside the ones before."""
    first, last = (math.floor(math.log10(end)) for end in (scale.low, scale.high))
    powers = range(last, first - 1, -1)
    few = math.log10(scale.high) - math.log10(scale.low) < FEW_DECADES
    exponents = [(1, power) for power in powers[:: math.ceil(len(powers) / most)]]
    exponents += [(factor, power) for factor in (2, 5) for power in powers if few]
    found = [scale.low, scale.high]
    for factor, power in exponents:
        value = float(f"{factor}e{power}")
        apart = min(abs(scale.place(value) - scale.place(other)) for other in found)
        if scale.low < value < scale.high and apart >= APART / most:
            found.append(value)
    return sorted(found)
