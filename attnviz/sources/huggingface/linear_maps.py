"""The linear maps of a model, followed while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from attnviz.sources.huggingface.seams import Conv1D
from attnviz.sources.recording.output_projection import LinearMap, OutputProjections


@contextmanager
def following_linear_maps(model: torch.nn.Module, projections: OutputProjections) -> Iterator[None]:
    """Inside the block ``projections`` is told of each linear map of ``model`` that runs."""
    maps = [module for module in model.modules() if isinstance(module, torch.nn.Linear | Conv1D)]

    def ran(module: Any, given: tuple[Any, ...], made: Any) -> None:
        if given and isinstance(made, torch.Tensor) and projections.awaits(given[0]):
            projections.pass_through(LinearMap(given[0], _weight(module), module.bias, made))

    hooks = [module.register_forward_hook(ran) for module in maps]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        projections.end()


def _weight(module: Any) -> torch.Tensor:
    """(d_in, d_out); of a weight that is packed into a few bits, the numbers that it stands for."""
    weight: torch.Tensor = _unpacked(module.weight) if is_traceable_wrapper_subclass(module.weight) else module.weight
    return weight if isinstance(module, Conv1D) else weight.T


def _unpacked(weight: Any) -> torch.Tensor:
    """What a packed ``weight`` stands for, as a plain array; without any numbers where it cannot say, so that it is no W_O."""
    try:
        numbers = weight.dequantize()
    except Exception:  # each library of such weights lacks other things
        return torch.empty(0, 0)
    return numbers if type(numbers) is torch.Tensor else torch.empty(0, 0)
