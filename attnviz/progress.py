"""How long work tells its caller how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]  # how much is done, of how much


def no_progress(done: int, of: int) -> None:
    """A progress function that does nothing."""
