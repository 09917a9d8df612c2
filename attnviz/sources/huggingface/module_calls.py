"""Which attention modules of a model ran in a forward pass, and which of them nobody could watch."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

ATTENDS = re.compile(r"Attention|Attn")  # in the name of a module's class


@dataclass
class Run:
    """One run of an attention module that is going on: how often it, or a module inside it, called the interface."""

    path: str
    calls: int = 0
    told: bool = False  # it, or a module inside it, is known to be out of sight


class Forwards:
    """The attention modules that run while ``following`` lasts.

    unseen  the paths of those that computed attention without calling transformers' interface, or in several pieces,
            numbers left out: "encoder.layer.N.attention"
    """

    def __init__(self) -> None:
        self.unseen: dict[str, None] = {}
        self._running: list[Run] = []

    def called(self) -> int:
        """Note a call of the interface; which call it is of the module that runs, from 1."""
        for run in self._running:
            run.calls += 1
        return self._running[-1].calls if self._running else 1

    def tell(self, path: str) -> None:
        """Note that the attention of the module at ``path`` is out of sight."""
        self.unseen[re.sub(r"\d+", "N", path)] = None
        for run in self._running:
            run.told = True

    @contextmanager
    def following(self, model: torch.nn.Module) -> Iterator[None]:
        """Follow what runs inside the block."""
        attending = [(path, module) for path, module in model.named_modules() if ATTENDS.search(type(module).__name__)]
        hooks: list[Any] = []
        for path, module in attending:
            hooks.append(module.register_forward_pre_hook(lambda *_, path=path: self._running.append(Run(path))))
            hooks.append(module.register_forward_hook(lambda *_: self._ended(self._running.pop())))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _ended(self, run: Run) -> None:
        if not run.calls and not run.told:
            self.tell(run.path)
