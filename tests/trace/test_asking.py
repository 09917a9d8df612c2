"""What a model is asked, and that each kind of model answers all of it."""

from __future__ import annotations

import inspect

import pytest
from made_roles import made_case

from attnviz.sources.huggingface.answering import ModelAnswering
from attnviz.sources.huggingface.answers import Answers as ModelAnswers
from attnviz.sources.tiny.answers import Answers as TinyAnswers
from attnviz.sources.tiny.questions import TinyAnswering
from attnviz.trace.asking import Answering, Asked

QUESTIONS = [name for name, value in vars(Asked).items() if inspect.isfunction(value) and not name.startswith("_")]


def test_the_minimal_pair_of_the_pair_is_the_case():
    case = made_case("syntax")
    swapped = case.swapped()
    assert (swapped.tokens, swapped.answer, swapped.pair, swapped.other_answer) == (case.pair, "no", case.tokens, "yes")
    assert swapped.swapped() == case


@pytest.mark.parametrize("answers", [TinyAnswers, ModelAnswers])
@pytest.mark.parametrize("name", QUESTIONS)
def test_every_model_answers_with_the_arguments_that_it_is_asked_with(answers, name):
    asked, answered = (inspect.signature(getattr(one, name)) for one in (Asked, answers))
    assert list(asked.parameters) == list(answered.parameters)


@pytest.mark.parametrize("model", [TinyAnswering, ModelAnswering])
def test_every_model_is_asked_cases(model):
    assert list(inspect.signature(Answering.ask).parameters) == list(inspect.signature(model.ask).parameters)


def test_there_are_questions():
    assert {"looks", "right", "ablated", "flipped"} < set(QUESTIONS)
