"""The strongest pattern of a head, as the Overview says it below its map: which it is, and how strong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from attnviz.analysis.metrics import Metric

PATTERNS = (
    Metric.FIRST,
    Metric.SELF,
    Metric.PREVIOUS,
    Metric.DUPLICATE,
    Metric.INDUCTION,
)  # each a weight on some keys
MEASURED = (*PATTERNS, Metric.EVENNESS)  # what is needed to tell
CLEAR = 0.5  # of the weight, on average: what a head does with most of it
EVEN = 0.85  # of the largest entropy that the mask allows: the weight is spread over nearly all that there is
COVERED = 0.5  # of the queries: a mean over fewer of them says what a head does now and then
DECIMALS = 2


class Pattern(NamedTuple):
    """A pattern, by the name of its message, and the mean weight or the evenness that tells of it."""

    name: str
    value: float


def strongest(values: Mapping[Metric, float], covered: Mapping[Metric, float], drawn: bool = False) -> Pattern | None:
    """The pattern of a head of which these means are known, NaN where the text asks no such question; None where there is
    none of them.

    ``covered`` is the share of the queries that each mean is of. Where all numbers are ``drawn``, no head has learned to
    leave its attention anywhere.
    """
    known = {
        metric: value
        for metric, value in values.items()
        if not math.isnan(value) and (covered[metric] >= COVERED or metric not in PATTERNS)
    }
    weights = {metric: known[metric] for metric in PATTERNS if metric in known}
    best = max(weights, key=weights.__getitem__, default=None)
    clear = best is not None and weights[best] >= CLEAR
    if not clear and known.get(Metric.EVENNESS, 0) >= EVEN:
        return Pattern("even", known[Metric.EVENNESS])
    if best is None:
        return None
    # The first token takes what a head has no better use for (attention sinks, Xiao et al. 2023, 2309.17453).
    sinks = clear and best is Metric.FIRST and not drawn
    return Pattern("sink" if sinks else best.value, weights[best])


def pattern_record(
    values: Mapping[Metric, float], covered: Mapping[Metric, float], drawn: bool = False
) -> list[Any] | None:
    """The same as the page's record holds it: [name, value]."""
    pattern = strongest(values, covered, drawn)
    return None if pattern is None else [pattern.name, round(pattern.value, DECIMALS)]
