"""What a model is asked for its effects, and that each kind of model answers all of it."""

from __future__ import annotations

import inspect

import pytest

from attnviz.sources.huggingface.predicted import ModelPredicted
from attnviz.sources.huggingface.predictor import ModelPredictor
from attnviz.sources.tiny.predictor import TinyPredicted, TinyPredictor
from attnviz.trace.ablation import PredictedText, Predictor


def questions(protocol):
    return [name for name, value in vars(protocol).items() if inspect.isfunction(value) and not name.startswith("_")]


ASKED = [
    *((Predictor, kind, name) for kind in (ModelPredictor, TinyPredictor) for name in questions(Predictor)),
    *((PredictedText, kind, name) for kind in (ModelPredicted, TinyPredicted) for name in questions(PredictedText)),
]


@pytest.mark.parametrize(("protocol", "kind", "name"), ASKED)
def test_every_model_answers_with_the_arguments_that_it_is_asked_with(protocol, kind, name):
    asked, answered = (inspect.signature(getattr(one, name)).parameters for one in (protocol, kind))
    assert list(asked) == list(answered)
    assert [one.default for one in asked.values()] == [one.default for one in answered.values()]


def test_there_are_questions():
    assert set(questions(Predictor)) == {"answer", "read", "told"}
    assert set(questions(PredictedText)) == {"whole", "without", "label"}
