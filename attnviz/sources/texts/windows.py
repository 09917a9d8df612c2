"""How far ahead texts are read, so that those of like length can run together and none waits for what has not been written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
GROWTH = 16  # times as many texts in each window as in the one before


def windows(items: Iterable[Item], most: Callable[[], int], is_there: Callable[[], bool]) -> Iterator[list[Item]]:
    """``items`` in lists of as many as may be taken: one at first, so that the first answer comes soon, then more and more,
    up to ``most()``; and no more than ``is_there`` says have arrived."""
    held, wanted = list[Item](), 1
    for item in items:
        held.append(item)
        if len(held) >= min(wanted, most()) or not is_there():
            yield held
            held, wanted = [], min(wanted * GROWTH, max(most(), 1))
    if held:
        yield held
