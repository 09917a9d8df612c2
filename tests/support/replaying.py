"""Bugs of public issues: what attention got, what it was meant to do, and what the code of the report makes of it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import torch

MODULES = ("causality", "masks", "heads")


class Issue(NamedTuple):
    """A public issue, the mistake that it reports, and the code that had it."""

    issue: str
    name: str
    run: Callable[[], Replay]


class Replay:
    """Query, key, value and the output of the wrong code; ``meant`` is the rest of what was meant."""

    def __init__(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, output: torch.Tensor, **meant: Any
    ) -> None:
        self.arrays = tuple(x.numpy() for x in (query, key, value, output))
        self.meant = {name: x.numpy() if isinstance(x, torch.Tensor) else x for name, x in meant.items()}


ISSUES: list[Issue] = []


def replay(issue: str, name: str) -> Callable[[Callable[[], Replay]], Callable[[], Replay]]:
    """Registers the code of a report."""

    def register(run: Callable[[], Replay]) -> Callable[[], Replay]:
        ISSUES.append(Issue(issue, name, run))
        return run

    return register


def drawn(*shape: int) -> torch.Tensor:
    """Random numbers of this shape."""
    return torch.randn(shape)


def issues() -> list[Issue]:
    """All that can be replayed."""
    if not ISSUES:
        for module in MODULES:
            import_module(f"replays.{module}")
    return list(ISSUES)
