"""The model in the package, or one of transformers."""

from __future__ import annotations

import pytest
from headless_models import network
from tiny_models import tokenizer

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.predictor import ModelPredictor
from attnviz.sources.predictors import predictor
from attnviz.sources.tiny.predictor import TinyPredictor


def test_tiny_is_the_model_in_the_package_and_takes_nothing_of_torch():
    assert isinstance(predictor("tiny"), TinyPredictor)
    with pytest.raises(AttnvizError, match="device is for a model of torch"):
        predictor("tiny", device="cpu")


def test_any_other_is_one_of_transformers():
    found = predictor(network("Llama"), tokenizer())
    assert isinstance(found, ModelPredictor)
    assert found.model.tokenizer is tokenizer()
