"""How far a run over a corpus is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Standing(NamedTuple):
    """What is done so far.

    texts    that were measured, with the skipped ones, in this run or before it
    skipped  of these, that could not be
    tokens   that this run has measured
    shards   that this run has finished; kept, those that it found finished, with so many texts from ``before``
    workers  that have a place; ended, those that ended on the way, and were replaced
    """

    texts: int = 0
    skipped: int = 0
    tokens: int = 0
    shards: int = 0
    kept: int = 0
    before: int = 0
    workers: int = 0
    ended: int = 0


Watch = Callable[[Standing], object]


def unwatched(standing: Standing) -> None:
    """Tells nobody."""
