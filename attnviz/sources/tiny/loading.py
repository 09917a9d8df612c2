"""The tiny model as a person asks for it: by its name, without any option that only a model of torch has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from attnviz.choices import TINY
from attnviz.errors import AttnvizError
from attnviz.sources.tiny.model import TinyModel
from attnviz.sources.tiny.weights import read_weights


def load(name: str | os.PathLike[str] = TINY, numbers: str = "float64", **options: Any) -> TinyModel:
    """The model in the package, or that of a file of weights; ``numbers`` is the type that it computes with.

    AttnvizError where the file holds no such weights, or one of ``options`` is given.
    """
    require_no_torch(**options)
    if name == TINY:
        return TinyModel.load(numbers)
    return TinyModel(read_weights(name).astype(numbers), Path(name).name)


def require_no_torch(**options: Any) -> None:
    """Refuse options of a model of torch that are given."""
    for name, value in options.items():
        if value is not None:
            raise AttnvizError(
                "{name} is for a model of torch, and the tiny model runs in NumPy alone",
                "leave it out, or name another model",
                name=name,
            )
