"""Which attention modules of a model ran in a forward pass, and which of them could not be watched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

ATTENDS = re.compile(r"Attention|Attn")  # in the name of a module's class


@dataclass
class ModuleCall:
    """One run of an attention module: how often it, or a module inside it, has called the attention interface."""

    path: str
    interface_calls: int = 0
    marked: bool = False  # it, or a module inside it, is known not to be watched


class ModuleCalls:
    """The attention modules that run while they are followed.

    unseen  the paths of those that computed attention without calling transformers' interface, or in several pieces,
            numbers left out: "encoder.layer.N.attention"
    """

    def __init__(self) -> None:
        self._unseen: dict[str, None] = {}
        self._running: list[ModuleCall] = []

    @property
    def unseen(self) -> tuple[str, ...]:
        """The paths of the modules that could not be watched, in the order in which they ran."""
        return tuple(self._unseen)

    def count_interface_call(self) -> int:
        """Note a call of the interface; which call it is of the module that runs, from 1."""
        for call in self._running:
            call.interface_calls += 1
        return self._running[-1].interface_calls if self._running else 1

    def mark_unseen(self, path: str) -> None:
        """Note that the attention of the module at ``path`` cannot be watched."""
        self._unseen[re.sub(r"\d+", "N", path)] = None
        for call in self._running:
            call.marked = True

    def begin(self, path: str) -> None:
        """The module at ``path`` begins to run."""
        self._running.append(ModuleCall(path))

    def end(self) -> None:
        """The module that began last has ended."""
        call = self._running.pop()
        if not call.interface_calls and not call.marked:
            self.mark_unseen(call.path)


@contextmanager
def following_calls(model: torch.nn.Module, calls: Callable[[], ModuleCalls]) -> Iterator[None]:
    """Inside the block each attention module of ``model`` that runs is told to those ``calls`` that are asked for then."""
    hooks: list[Any] = []
    for path, module in model.named_modules():
        if ATTENDS.search(type(module).__name__):
            hooks.append(module.register_forward_pre_hook(lambda *_, path=path: calls().begin(path)))
            hooks.append(module.register_forward_hook(lambda *_: calls().end()))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
