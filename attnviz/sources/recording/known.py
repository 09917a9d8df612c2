"""What is known of the tensors that a module computes: where their numbers come from, and which of them are on their way
from a product to a softmax and to the values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import torch
from torch.utils.weak import WeakIdKeyDictionary

from attnviz.sources.recording.chain import Chain

Labels = frozenset[int]
NONE: Labels = frozenset()
NEW = {  # of these a tensor gives only its shape
    "new_zeros", "new_ones", "new_full", "new_empty", "new_tensor", "zeros_like", "ones_like", "full_like", "empty_like",
    "rand_like", "randn_like",
}  # fmt: skip
LOOKED_UP = {"embedding", "__getitem__", "index_select", "gather", "take_along_dim"}


class Known:
    """What is known of tensors for as long as they live.

    A label stands for numbers that came from outside: an input, or rows of a table that were looked up by an input. What is computed
    of parameters, positions and masks has none, so that two tensors with a label in common depend on the same input.
    """

    def __init__(self) -> None:
        self._labels: Any = WeakIdKeyDictionary()
        self._chains: Any = WeakIdKeyDictionary()
        self._numbers = count()

    def chain(self, tensor: Any) -> Chain | None:
        """The way of ``tensor``, if it is followed."""
        found: Chain | None = self._chains.get(tensor) if isinstance(tensor, torch.Tensor) else None
        return found

    def follow(self, tensor: torch.Tensor, chain: Chain) -> None:
        """From now on ``tensor`` is what ``chain`` says."""
        self._chains[tensor] = chain

    def forget(self, tensor: torch.Tensor) -> None:
        """``tensor`` is no longer what was followed."""
        self._chains.pop(tensor, None)

    def labels(self, tensor: torch.Tensor) -> Labels:
        """The labels of ``tensor``; one that nobody has seen before is an input, if it is no parameter."""
        found: Labels | None = self._labels.get(tensor)
        if found is None:
            outside = tensor.is_floating_point() and not isinstance(tensor, torch.nn.Parameter)
            found = frozenset([next(self._numbers)]) if outside else NONE
            self._labels[tensor] = found
        return found

    def is_constant(self, tensors: Iterable[torch.Tensor]) -> None:
        """``tensors`` are a module's own, and no input."""
        for tensor in tensors:
            self._labels[tensor] = NONE

    def written(self, tensor: torch.Tensor, others: Iterable[torch.Tensor]) -> None:
        """Numbers of ``others`` were written into ``tensor``."""
        self._labels[tensor] = self.labels(tensor) | self.labels_of(others)

    def labels_of(self, tensors: Iterable[torch.Tensor]) -> Labels:
        """All labels of some tensors."""
        found = NONE
        for tensor in tensors:
            found = found | self.labels(tensor)
        return found

    def made(self, name: str, inputs: list[torch.Tensor], result: Any) -> None:
        """Note what a function of this ``name`` made of ``inputs``."""
        labels = NONE if name in NEW else self.labels_of(inputs)
        if name in LOOKED_UP and not labels and any(not one.is_floating_point() for one in inputs):
            labels = frozenset([next(self._numbers)])
        for tensor in tensors_in(result):
            self._labels[tensor] = labels if tensor.is_floating_point() else NONE


def tensors_in(values: Any) -> Iterator[torch.Tensor]:
    """The tensors among ``values``, in lists and mappings of them, too."""
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for one in values:
            yield from tensors_in(one)
    elif isinstance(values, dict):
        for one in values.values():
            yield from tensors_in(one)
