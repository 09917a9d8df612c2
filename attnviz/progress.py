"""How long work says how far it is, to whoever wants to hear."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[int, int], None]  # how much is done, of how much


def unheard(done: int, of: int) -> None:
    """A report to nobody."""
