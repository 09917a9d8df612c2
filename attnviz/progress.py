"""How long work tells its caller how far it is."""

from __future__ import annotations

from collections.abc import Callable

Notice = Callable[[str], None]  # one line that its caller should know, and may tell a person
Progress = Callable[[int, int], None]  # how much is done, of how much


def no_progress(done: int, of: int) -> None:
    """A progress function that does nothing."""


def no_notice(message: str) -> None:
    """A function for notices that tells nobody."""
