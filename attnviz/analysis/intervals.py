"""How sure a share is that was counted."""

from __future__ import annotations

import math

from attnviz.trace.roles import Share

NORMAL = 1.959963984540054  # 95 % of a normal distribution lie within so many deviations


def share_of(value: float, count: int) -> Share:
    """``value``, counted over ``count`` cases, with its 95 % interval (Wilson 1927, Probable inference, JASA 22)."""
    middle = value + NORMAL**2 / (2 * count)
    half = NORMAL * math.sqrt(value * (1 - value) / count + NORMAL**2 / (4 * count**2))
    whole = 1 + NORMAL**2 / count
    low, high = max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)
    return Share(value, (min(low, value), max(high, value)))  # at 0 and 1 rounding alone would leave the share outside
