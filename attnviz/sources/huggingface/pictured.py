"""A picture that a model reads, and how its processor prepares it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch


class Pictured(NamedTuple):
    """``size`` is the picture's width and height in pixels; ``prepare`` makes of any picture what the model is given."""

    size: tuple[int, int]
    prepare: Callable[[Any], Mapping[str, torch.Tensor]]
