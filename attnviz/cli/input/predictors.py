"""From options to a model that predicts while its heads are taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.choices import is_tiny
from attnviz.cli.input.models import loading, path_of, require_numpy
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions

if TYPE_CHECKING:
    from attnviz.trace.ablation import Predictor


def read_predictor(model: ModelOptions, engine: EngineOptions) -> Predictor:
    """The model that the options name, with its language head; AttnvizError where it cannot be loaded, or has none."""
    from attnviz.sources.predictors import predictor

    if is_tiny(model.model):
        require_numpy(model, engine)
        return predictor(model.model)
    dtype = None if engine.dtype is None else engine.dtype.value
    with loading(model.model):
        return predictor(
            model.model, device=engine.device, dtype=dtype, device_map=model.device_map, adapter=path_of(model.adapter)
        )
