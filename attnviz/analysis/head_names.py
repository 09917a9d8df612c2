"""The names that a head can earn, each in one place: which metric tells, from which value on, and who says so.

Light, since --help reads the names: no numbers are imported. A name must be earned against chance. A head that looks at all
keys alike already gives half its weight to the token before, in a text of three tokens; and one that picks a key at random
hits now and then. So a threshold counts only what lies above an even head, and rises further where a text is so short that
luck could reach it (``limit``). Where not even a head that does nothing else could reach it, the text cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from attnviz.analysis.metrics import Metric

LUCK = 1e-3  # how often, at most, a head that picks its keys at random may earn a name
STEPS = 50  # of a bisection: more than a double has digits


class Copying(StrEnum):
    """What is asked of a head while a model copies a needle (analysis/retrieval.py)."""

    RETRIEVAL = "retrieval"


class HeadName(StrEnum):
    """A name, the metric that tells it, and its threshold; whether an even head
    could never earn it, so that chance is no question.

    first-token-sink  0.3: the threshold ε of the sink metric of Gu et al. 2024, "When Attention Sink Emerges in Language
                      Models", 2410.10781, for a head's mean weight on the first token
    previous-token    0.5: a choice, after Clark et al. 2019, 1906.04341, section 3.1, who tell of heads of BERT that put more
                      than half of their attention on it, and call nothing a threshold
    duplicate         0.5: a choice, as for the token before. The heads: Wang et al. 2022, 2211.00593, section 3
    induction         0.5: a choice, as for the token before. The measure: Olsson et al. 2022, 2209.11895, prefix matching
    local             0.9: a choice. What is near, too: Beltagy et al. 2020, 2004.05150, attend within a window, and name no heads
    broad             0.85 of the largest entropy: a choice. The heads: Clark et al. 2019, section 3.3
    retrieval         0.1 of the copied tokens: Wu et al. 2024, 2404.15574, whose retrieval heads have a score above it
    """

    metric: Metric | Copying
    threshold: float
    against_chance: bool

    FIRST_TOKEN_SINK = "first-token-sink", Metric.FIRST, 0.3
    PREVIOUS_TOKEN = "previous-token", Metric.PREVIOUS, 0.5
    DUPLICATE = "duplicate", Metric.DUPLICATE, 0.5
    INDUCTION = "induction", Metric.INDUCTION, 0.5
    LOCAL = "local", Metric.NEAR, 0.9
    BROAD = "broad", Metric.EVENNESS, 0.85, False
    RETRIEVAL = "retrieval", Copying.RETRIEVAL, 0.1

    def __new__(cls, name: str, metric: Metric | Copying, threshold: float, against_chance: bool = True) -> HeadName:
        member = str.__new__(cls, name)
        member._value_ = name
        member.metric, member.threshold, member.against_chance = metric, threshold, against_chance
        return member


MEASURED = {name: name.metric for name in HeadName if isinstance(name.metric, Metric)}  # by the weights of any text
CHANCED = tuple(metric for name, metric in MEASURED.items() if name.against_chance)
OTHERWISE_SAID = {HeadName.LOCAL: HeadName.PREVIOUS_TOKEN}  # a name that says nothing beside the other
THRESHOLDS: Mapping[HeadName, float] = MappingProxyType({name: name.threshold for name in HeadName})


class Chance(NamedTuple):
    """What an even head would have on average, and over how many queries that is."""

    even: float
    queries: float


class Found(NamedTuple):
    """A name that a head has earned, its number, and the threshold that the number has reached."""

    name: HeadName
    value: float
    threshold: float


def name_limits(
    values: Mapping[Metric, float],
    chances: Mapping[Metric, Chance],
    thresholds: Mapping[HeadName, float] = THRESHOLDS,
) -> dict[HeadName, float | None]:
    """What a head with these metrics needs here to earn each name, NaN where a text has no answer; None where the texts
    cannot tell. Of metrics that were not measured there is no name."""
    limits: dict[HeadName, float | None] = {}
    for name, metric in MEASURED.items():
        if metric not in values:
            continue
        if math.isnan(values[metric]):
            limits[name] = None
        else:
            limits[name] = limit(thresholds[name], chances[metric]) if name.against_chance else thresholds[name]
    return limits


def head_names(values: Mapping[Metric, float], limits: Mapping[HeadName, float | None]) -> tuple[Found, ...]:
    """The names that a head with these metrics has earned by its ``limits``; of each its number and its threshold."""
    found = {
        name: Found(name, values[MEASURED[name]], least)
        for name, least in limits.items()
        if least is not None and values[MEASURED[name]] >= least
    }
    return tuple(one for name, one in found.items() if OTHERWISE_SAID.get(name) not in found)


@lru_cache(4096)  # most heads of a layer share it
def limit(threshold: float, chance: Chance) -> float | None:
    """The least value that counts: ``threshold`` of what lies above an even head, and no luck; None where none would count.

    Luck: a mean of so many independent numbers between 0 and 1, which are ``chance.even`` on average, is at least a with a
    probability of at most exp(−queries · KL(a ‖ even)) (Hoeffding 1963, theorem 1), here LUCK.
    """
    even, queries = chance
    if not queries or not 0 < even < 1:
        return threshold if queries and even == 0 else None
    least = -math.log(LUCK) / queries
    if _divergence(1.0, even) < least:
        return None
    low, high = even, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _divergence(middle, even) >= least else (middle, high)
    return max(even + threshold * (1 - even), high)


def _divergence(share: float, even: float) -> float:
    """KL(share ‖ even) of two coins, in nats."""
    rest = (1 - share) * math.log((1 - share) / (1 - even)) if share < 1 else 0.0
    return share * math.log(share / even) + rest
