"""How far ahead texts are read, so that those of like length can run together and none waits for what has not been written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")
GROWTH = 32  # times as many texts in each window as in the one before


def windows(
    items: Iterable[Item], most: Callable[[], int], is_there: Callable[[], bool | None], first: int = 1
) -> Iterator[list[Item]]:
    """``items`` in lists of as many as may be taken: as many as ``first`` says, one so that the first answer comes soon, then more and
    more, up to ``most()``; and no more than ``is_there`` says have arrived."""
    held, wanted = list[Item](), first
    for item in items:
        held.append(item)
        if len(held) >= min(wanted, most()) or not is_there():
            yield held
            held, wanted = [], min(wanted * GROWTH, max(most(), 1))
    if held:
        yield held


def in_order(
    count: int, places: Sequence[int], answers: Iterable[tuple[int, Made]]
) -> Iterator[tuple[int, Made | None]]:
    """Each place of a window of ``count`` with its answer, None where nothing was asked.

    Item n of what was asked stands at ``places[n]``. What has no answer, since it was interrupted, is left out.
    """
    asked, passed = frozenset(places), 0
    for number, answer in answers:
        yield from ((place, None) for place in range(passed, places[number]) if place not in asked)
        yield places[number], answer
        passed = places[number] + 1
    yield from ((place, None) for place in range(passed, count) if place not in asked)
