"""The linear maps of a model, followed while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from attnviz.sources.huggingface.seams import Conv1D
from attnviz.sources.recording.output_projection import LinearMap, OutputProjections


@contextmanager
def following_linear_maps(
    model: torch.nn.Module, projections: Callable[[], OutputProjections | None]
) -> Iterator[None]:
    """Inside the block each linear map of ``model`` that runs is told to those ``projections`` that are asked for then."""
    maps = [module for module in model.modules() if isinstance(module, torch.nn.Linear | Conv1D)]

    def ran(module: Any, given: tuple[Any, ...], made: Any) -> None:
        asked = projections()
        if asked is not None and given and isinstance(made, torch.Tensor) and asked.awaits(given[0]):
            asked.pass_through(LinearMap(given[0], _weight(module), module.bias, made))

    hooks = [module.register_forward_hook(ran) for module in maps]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


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
