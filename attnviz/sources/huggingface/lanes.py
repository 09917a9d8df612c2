"""Passes of one model side by side, each in a thread of its own.

What a pass of short texts does beside its products, and what is done with it, takes one thread whatever there is; two passes with half
of the threads each leave none idle. A model that changes as it runs (one that makes its table of positions anew for a longer text)
cannot be shared so: that is seen, and what ran beside it runs again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import is_
from typing import Any

import torch

LANES = 2  # passes at once
SETTING = ("__setattr__", "register_buffer")  # by which a module gets an attribute, or a buffer


def runs_beside(network: torch.nn.Module) -> bool:
    """Whether several passes of ``network`` are worth running at once, and may be: all of it lies where they compute."""
    on_processor = getattr(network, "device", torch.device("cpu")).type == "cpu"
    return on_processor and torch.get_num_threads() > 1 and not getattr(network, "hf_device_map", None)


class Held:
    """All that the modules of ``network`` hold, as it is now."""

    def __init__(self, network: torch.nn.Module) -> None:
        self._network = network
        self._values = _held(network)
        self._written = list(map(_version, self._values))

    @property
    def has_changed(self) -> bool:
        """Whether any of it is another by now, or was written into."""
        now = _held(self._network)
        same = len(now) == len(self._values) and all(map(is_, now, self._values))
        return not same or list(map(_version, now)) != self._written


@contextmanager
def told_of_changes(network: torch.nn.Module, tell: Callable[[], None]) -> Iterator[None]:
    """Inside the block ``tell`` is called before a module of ``network`` gets another attribute or buffer, in whatever thread: of two
    passes each may undo what the other does, so that nothing of it is left to see."""
    own = {id(module) for module in network.modules()}
    kind: Any = torch.nn.Module
    originals = {name: getattr(kind, name) for name in SETTING}

    def telling(original: Callable[..., Any]) -> Callable[..., Any]:
        def set_one(module: Any, name: str, value: Any, *arguments: Any, **options: Any) -> Any:
            if id(module) in own and getattr(module, name, None) is not value:
                tell()
            return original(module, name, value, *arguments, **options)

        return set_one

    try:
        for name, original in originals.items():
            setattr(kind, name, telling(original))
        yield
    finally:
        for name, original in originals.items():
            setattr(kind, name, original)


def _held(network: torch.nn.Module) -> list[Any]:
    """All that the modules of ``network`` hold, one behind the other: some 20 things each, so it is done without a loop over them."""
    found: list[Any] = []
    for module in network.modules():
        for held in (vars(module), module._parameters, module._buffers):
            found += held.values()
    return found


def _version(value: Any) -> int:
    """How often a tensor was written into; 0 of one that does not count it, as those that are made in a pass, and of all else."""
    return value._version if isinstance(value, torch.Tensor) and not value.is_inference() else 0
