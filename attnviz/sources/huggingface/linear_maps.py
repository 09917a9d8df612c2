"""The linear maps of a model, followed while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from attnviz.sources.huggingface.seams import Conv1D
from attnviz.sources.recording.output_projection import LinearMap, OutputProjections


@contextmanager
def following_linear_maps(model: torch.nn.Module, projections: OutputProjections) -> Iterator[None]:
    """Inside the block ``projections`` is told of each linear map of ``model`` that runs."""
    maps = [module for module in model.modules() if isinstance(module, torch.nn.Linear | Conv1D)]

    def ran(module: Any, given: tuple[Any, ...], made: Any) -> None:
        if given and isinstance(made, torch.Tensor):
            projections.pass_through(LinearMap(given[0], _weight(module), module.bias, made))

    hooks = [module.register_forward_hook(ran) for module in maps]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        projections.end()


def _weight(module: Any) -> torch.Tensor:
    """(d_in, d_out)."""
    weight: torch.Tensor = module.weight if isinstance(module, Conv1D) else module.weight.T
    return weight
