"""Of many cases some that say as much: each value of each parameter with each value of every other, the rest in the slow part."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import pytest


def in_pairs(*parameters: Iterable[Any]) -> list[Any]:
    """Every combination of ``parameters``, for pytest.mark.parametrize; quick are as few as hold each pair of values.

    (Greedy, as in Cohen et al. 1997, "The AETG System": most mistakes show with one value or two.)
    """
    values = [list(enumerate(one)) for one in parameters]
    every = list(itertools.product(*values))
    wanted = {pair for case in every for pair in _pairs(case)}
    quick = set()
    while wanted:
        best = max(every, key=lambda case: len(wanted & _pairs(case)))
        quick.add(_places(best))
        wanted -= _pairs(best)
    return [
        pytest.param(*(value for _, value in case), marks=[] if _places(case) in quick else [pytest.mark.slow])
        for case in every
    ]


def _places(case: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(place for place, _ in case)


def _pairs(case: tuple[Any, ...]) -> set[Any]:
    places = enumerate(_places(case))
    return set(itertools.combinations(places, min(2, len(case))))
