"""The tiny model as a person asks for it: by its name, without any option that only a model of torch has."""

from __future__ import annotations

from typing import Any

from attnviz.errors import AttnvizError
from attnviz.sources.tiny.model import TinyModel


def load(**options: Any) -> TinyModel:
    """The model in the package; AttnvizError where one of ``options`` is given."""
    require_no_torch(**options)
    return TinyModel.load()


def require_no_torch(**options: Any) -> None:
    """Refuse options of a model of torch that are given."""
    for name, value in options.items():
        if value is not None:
            raise AttnvizError(
                f"{name} is for a model of torch, and the tiny model runs in NumPy alone",
                "leave it out, or name another model",
            )
