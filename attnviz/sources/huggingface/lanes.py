"""Passes of one model side by side, each in a thread of its own.

What a pass of short texts does beside its products, and what is done with it, takes one thread whatever there is; two passes with half
of the threads each leave none idle. A model that changes as it runs (one that makes its table of positions anew for a longer text)
cannot be shared so: that is seen, and what ran beside it runs again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

LANES = 2  # passes at once


def runs_beside(network: torch.nn.Module) -> bool:
    """Whether several passes of ``network`` are worth running at once, and may be: all of it lies where they compute."""
    on_processor = getattr(network, "device", torch.device("cpu")).type == "cpu"
    return on_processor and torch.get_num_threads() > 1 and not getattr(network, "hf_device_map", None)


@contextmanager
def seen_changing(network: torch.nn.Module) -> Iterator[list[bool]]:
    """A list that says, once the block has ended, whether ``network`` changed in it."""
    changed: list[bool] = []
    before = _held(network)
    yield changed
    after = _held(network)
    changed.append(len(before) != len(after) or any(one is not other for one, other in zip(before, after, strict=True)))


def _held(network: torch.nn.Module) -> list[Any]:
    """All that the modules of ``network`` hold, one behind the other."""
    return [
        value
        for module in network.modules()
        for held in (vars(module), module._parameters, module._buffers)
        for value in held.values()
    ]
