"""Which model the options mean, with its language head."""

from __future__ import annotations

import pytest
import torch

from attnviz.choices import Dtype
from attnviz.cli.input.predictors import read_predictor
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.errors import AttnvizError, UsageError
from attnviz.sources.tiny.predictor import TinyPredictor


def test_tiny_takes_nothing_of_torch():
    assert isinstance(read_predictor(ModelOptions(model="tiny"), EngineOptions()), TinyPredictor)
    with pytest.raises(UsageError, match="--device is for a model of torch"):
        read_predictor(ModelOptions(model="tiny"), EngineOptions(device="cpu"))


def test_a_folder_is_loaded_as_it_is_asked_for(model_folder):
    found = read_predictor(ModelOptions(model=str(model_folder)), EngineOptions(dtype=Dtype.FLOAT64, device="cpu"))
    assert (type(found.model.model).__name__, found.model.model.dtype) == ("LlamaForCausalLM", torch.float64)
    with pytest.raises(AttnvizError, match="nowhere"):
        read_predictor(ModelOptions(model="./nowhere"), EngineOptions())
