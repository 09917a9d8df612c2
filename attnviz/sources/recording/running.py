"""Which module runs: the path of the innermost, and what its input says of items and heads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from attnviz.sources.recording.known import tensors_in
from attnviz.text.message import Message

HEADS = ("num_heads", "num_attention_heads", "n_heads", "heads", "n_head", "nhead", "nheads", "n_heads_q", "h")
FAST_PATH = Message(
    "torch's fast path of nn.MultiheadAttention, which cannot be seen, is off while it is recorded: outputs may differ by rounding, and at padded positions"
)


class Running:
    """The modules that run in one thread, the outermost first."""

    def __init__(self, root: torch.nn.Module | None) -> None:
        self._root = root
        self.outermost: Callable[[torch.nn.Module], None] = lambda _: (
            None
        )  # is told of a module that nothing runs around
        self._stack: list[tuple[torch.nn.Module, tuple[int, ...]]] = []
        self._paths: dict[int, str] = {} if root is None else _paths(root)
        self._thread = threading.get_ident()
        self._notes: dict[str, None] = {}

    @contextmanager
    def following(self) -> Iterator[None]:
        """Follow what runs inside the block."""
        handles = [
            register_module_forward_pre_hook(self._begins),
            register_module_forward_hook(self._ended, always_call=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._stack.clear()

    @property
    def path(self) -> str:
        """Of the innermost module that runs; "" outside of all and in the outermost."""
        return self._paths.get(id(self._stack[-1][0]), type(self._stack[-1][0]).__name__) if self._stack else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the table should know of the modules that ran."""
        return tuple(self._notes)

    def windows(self, items: int) -> int:
        """How many of the ``items`` of an attention belong to one item of the outermost module's input."""
        shape = self._stack[0][1] if self._stack else ()
        if not shape or any(getattr(module, "batch_first", True) is False for module, _ in self._stack):
            return 1
        batch = shape[0]
        return items // batch if batch and items > batch and items % batch == 0 else 1

    def order(self, lead: tuple[int, ...]) -> tuple[int, ...]:
        """The axes before queries and keys in the order items, windows, heads: some have their windows behind the heads (Hiera)."""
        named = self._named_heads()
        axes = [axis for axis in range(1, len(lead)) if lead[axis] in named] if len(lead) > 2 else []
        return (
            (*(axis for axis in range(len(lead)) if axis not in axes), *axes)
            if len(axes) == 1
            else (*range(len(lead)),)
        )

    def split(self, lead: tuple[int, ...]) -> tuple[int, int]:
        """How many items and heads ``lead`` counts, the sizes of the axes before queries and keys."""
        if len(lead) == 2:
            return lead[0], lead[1]
        if not lead:
            return 1, 1
        if len(lead) > 2:
            inner = lead[-1]
            rest = 1
            for size in lead[:-1]:
                rest *= size
            whole = rest * inner
            heads = inner if inner in self._named_heads() else whole // lead[0]
            return whole // heads, heads
        return self._split_one(lead[0])

    def _split_one(self, count: int) -> tuple[int, int]:
        """Items times heads in one axis."""
        for heads in self._named_heads():
            if heads > 0 and count % heads == 0:
                return count // heads, heads
        shape = self._stack[-1][1] if self._stack else ()
        if len(shape) > 2 and count % shape[0] == 0:
            return shape[0], count // shape[0]
        return (1, count) if len(shape) == 2 else (count, 1)

    def _named_heads(self) -> list[int]:
        """How many heads the innermost module says it has."""
        module = self._stack[-1][0] if self._stack else None
        found = [getattr(module, name, None) for name in HEADS]
        return [one for one in found if isinstance(one, int) and not isinstance(one, bool)]

    def _begins(self, module: torch.nn.Module, given: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        if not self._stack:
            self._paths = _paths(module) if self._root is None else self._paths
            self.outermost(module)
        shape = next((tuple(one.shape) for one in tensors_in(given)), ())
        self._stack.append((module, shape))
        self._note(module)

    def _note(self, module: torch.nn.Module) -> None:
        """What a reader should know of a module that begins to run."""
        path = self.path or type(module).__name__
        if isinstance(module, torch.jit.ScriptModule):
            self._notes[Message("{path} is TorchScript, whose attention cannot be seen", path=path)] = None
        elif type(module).__name__ == "OptimizedModule":
            self._notes[Message("{path} is compiled: what its compiler fuses cannot be seen", path=path)] = None
        elif isinstance(module, torch.nn.MultiheadAttention) and _would_be_fast(module):
            self._notes[FAST_PATH] = None

    def _ended(self, module: torch.nn.Module, *_: Any) -> None:
        if threading.get_ident() == self._thread and self._stack and self._stack[-1][0] is module:
            self._stack.pop()


def _would_be_fast(module: torch.nn.Module) -> bool:
    """Whether torch would compute this nn.MultiheadAttention in one call that nobody can look into."""
    return not module.training and not (
        torch.is_grad_enabled() and any(one.requires_grad for one in module.parameters())
    )


def _paths(root: torch.nn.Module) -> dict[int, str]:
    return {id(module): path for path, module in root.named_modules()}
