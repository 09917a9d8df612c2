"""The first layer of a model that sees a picture: found by showing it two pictures, and looking whose input differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import torch

from attnviz.sources.huggingface.stopping import Enough

READERS = (torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)
MOST_CALLS = 8  # of such layers, among which the first that sees the picture is looked for


class FirstLayer(NamedTuple):
    """``layer`` of the model, and what it was given in each of the passes."""

    layer: torch.nn.Module
    given: tuple[torch.Tensor, ...]


def first_layer(model: torch.nn.Module, passes: Sequence[Mapping[str, torch.Tensor]]) -> FirstLayer | None:
    """The first layer of ``model`` whose input differs between the first two of ``passes``; None where none of the first does."""
    calls = [_calls(model, inputs) for inputs in passes]
    for of_each in zip(*calls, strict=False):
        (layer, one), (_, other) = of_each[:2]
        if one.shape != other.shape or any(there is not layer for there, _ in of_each):
            return None
        if not torch.equal(one, other):
            return FirstLayer(layer, tuple(given for _, given in of_each))
    return None


def _calls(model: torch.nn.Module, inputs: Mapping[str, torch.Tensor]) -> list[tuple[torch.nn.Module, torch.Tensor]]:
    """The first layers that run as ``model`` reads ``inputs``, each with what it is given."""
    found: list[tuple[torch.nn.Module, torch.Tensor]] = []

    def take(layer: torch.nn.Module, arguments: tuple[Any, ...]) -> None:
        if arguments and isinstance(arguments[0], torch.Tensor):
            found.append((layer, arguments[0].detach().clone()))
        if len(found) == MOST_CALLS:
            raise Enough

    with _hooked(model, take), suppress(Enough):
        model(**inputs)
    return found


@contextmanager
def _hooked(model: torch.nn.Module, take: Any) -> Iterator[None]:
    hooks = [module.register_forward_pre_hook(take) for module in model.modules() if isinstance(module, READERS)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
