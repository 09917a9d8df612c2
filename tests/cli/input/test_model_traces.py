"""Texts to traces of a model of the command line, one and many: what is made of each, and what is told of the model once."""

from __future__ import annotations

import pytest
from tiny_models import model, tokenizer

from attnviz import AttnvizError
from attnviz.attention.arrays import is_torch
from attnviz.choices import Backend
from attnviz.cli.input import model_traces as module
from attnviz.cli.input.model_traces import ModelTraces, TinyTraces, model_traces, tell_unseen
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.source import BatchOptions
from attnviz.sources.huggingface.model import Model
from attnviz.trace.origin import Origin

TEXTS = ["the cat sat on the mat", "a dog", "Your journey starts", "one", "", "the dog sat"]


@pytest.fixture
def told(monkeypatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(module, "notice", lambda message: said.append(str(message)))
    return said


def llama(monkeypatch, backend=None, **options) -> ModelTraces:
    loaded = Model.of(model("Llama"), tokenizer())
    monkeypatch.setattr(module, "load_model", lambda *_, **__: loaded)
    return ModelTraces(ModelOptions(model="llama"), EngineOptions(backend=backend), [], **options)


@pytest.mark.parametrize("backend", [None, Backend.NUMPY])
def test_what_is_made_of_each_text_is_made_of_its_trace_as_the_backend_wants_it(monkeypatch, backend):
    made = llama(monkeypatch, backend)
    batches = made.batches(BatchOptions(batch=2), lambda trace: (trace.tokens, is_torch(trace.layers[0].query)))
    answers, done = dict(made.many(batches, TEXTS, (reported := []).append)), sum(bool(text) for text in TEXTS)
    assert list(answers) == list(range(len(TEXTS)))
    assert isinstance(answers[4], AttnvizError)  # of nothing there is no trace
    for place, text in enumerate(TEXTS):
        if text:
            assert answers[place] == (made(text).tokens, backend is None)
    assert max(reported) == done + 1


def test_weights_alone_are_made_only_where_the_model_computes_them(monkeypatch):
    def weigh(_):
        raise AssertionError("nothing is read here")

    assert llama(monkeypatch).batches(BatchOptions(), weigh=weigh)._texts.weigh is weigh
    assert llama(monkeypatch, Backend.NUMPY).batches(BatchOptions(), weigh=weigh)._texts.weigh is None


def test_a_text_is_cut_to_what_may_be_read(monkeypatch):
    made = llama(monkeypatch)
    cut = made.fit(TEXTS[0], BatchOptions(max_length=2))
    assert TEXTS[0].startswith(cut)
    assert len(made(cut).tokens) <= 2
    assert not made.reads_images


def test_what_cannot_be_shown_is_told_once_of_all_texts(monkeypatch, told):
    made = llama(monkeypatch)
    trace = made("a dog")
    trace.source.update({"unseen": ["encoder.N.attention"]})
    made._told = False
    for _ in range(2):
        made._handed_on(trace)
    assert told == ["not shown, because they compute attention in their own way: encoder.N.attention"]


def test_layers_of_which_only_weights_are_known_are_told_with_the_reason(told):
    tell_unseen(Origin(because={"layer 0": "it is sparse", "layer 2": "it is sparse"}))
    [said] = told
    assert said == "only the weights are known of layer 0, layer 2: it is sparse"
    tell_unseen(Origin())
    assert len(told) == 1


def test_a_name_of_the_package_is_its_own_model_which_has_no_directions():
    options = ModelOptions(model="tiny")
    assert isinstance(model_traces(options, EngineOptions(), []), TinyTraces)
    with pytest.raises(AttnvizError):
        model_traces(options, EngineOptions(), [], toward="cat")


def test_another_name_is_loaded(monkeypatch):
    loaded = Model.of(model("Llama"), tokenizer())
    monkeypatch.setattr(module, "load_model", lambda *_, **__: loaded)
    assert isinstance(model_traces(ModelOptions(model="folder"), EngineOptions(), []), ModelTraces)


def test_the_model_in_the_package_tells_once_which_words_it_spelled(told):
    made = TinyTraces(ModelOptions(model="tiny"), EngineOptions(), [])
    made.quiet = True
    made("the zyxwv sat")
    assert told == []
    made.tell()
    assert len(told) == 1
    assert made.fit("the cat sat on the mat", BatchOptions(max_length=2)) == "the cat"
    with pytest.raises(AttnvizError, match="reads words, and no image"):
        made("a", object())
