"""From options to a model that predicts while its heads are taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.cli.input.models import loaded
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions

if TYPE_CHECKING:
    from attnviz.trace.ablation import Predictor


def read_predictor(model: ModelOptions, engine: EngineOptions) -> Predictor:
    """The model that the options name, with its language head; AttnvizError where it cannot be loaded, or has none."""
    from attnviz.sources.predictors import predictor

    return loaded(predictor, model, engine)
