"""What the tiny model predicts without some heads is what its own matrices give with the outputs exchanged by hand."""

from __future__ import annotations

import numpy
import pytest

from attnviz.analysis.effects import measure_effects
from attnviz.choices import Ablation
from attnviz.errors import AttnvizError, ChoiceError
from attnviz.sources.tiny.model import TinyModel, joined
from attnviz.sources.tiny.predictor import TinyPredictor
from attnviz.trace.ablation import UNKNOWN

TEXT = "the queen met the actor . she"


@pytest.fixture(scope="module")
def text():
    return TinyPredictor(TinyModel.load()).read(TEXT)


def by_hand(model, head, ablation):
    """One head of the last layer exchanged: what it adds to the text is replaced, and nothing reads that but the logits."""
    run = model.run(model.embed(model.encode(TEXT)))
    last = run.layers[-1]
    output = last.output.copy()
    output[head] = output[head].mean(0) if ablation is Ablation.MEAN else 0
    return model.logits(last.inputs + joined(output) @ model.weights.layers[-1].output)


@pytest.mark.parametrize("ablation", Ablation)
def test_a_head_of_the_last_layer_by_hand(text, ablation):
    layer = len(text.layers) - 1
    groups = [[(layer, head)] for head in range(text.layers[layer].heads)]
    for head, found in enumerate(text.without(groups, ablation)):
        numpy.testing.assert_allclose(found, by_hand(text.model, head, ablation), rtol=0, atol=1e-9)


def test_without_all_heads_of_a_layer_it_is_the_model_without_that_attention(text):
    """Exactly: W_O has no bias, so nothing is added."""
    model = text.model
    for layer in range(len(text.layers)):
        (gone,) = text.without([[(layer, head) for head in range(model.heads)]], Ablation.ZERO)
        stream = model.embed(model.encode(TEXT)) + model.weights.positions[: text.tokens]
        for number in range(len(text.layers)):
            if number != layer:
                run = model.run_from(number, stream)
                stream = run.layers[0].inputs + joined(run.layers[0].output) @ model.weights.layers[number].output
        assert numpy.array_equal(gone, model.logits(stream))


def test_what_it_predicts_are_the_words_after_each(text):
    words = text.model.weights.words
    assert [words[number] for number in text.targets[:-1]] == TEXT.split()[1:]
    assert (text.targets[-1], text.asked, text.tokens) == (UNKNOWN, 6, 7)
    assert [(layer.title, layer.heads) for layer in text.layers] == [("layer 0", 4), ("layer 1", 4)]
    assert text.source.model == "tiny"
    assert text.label(text.targets[0]) == "queen"


def test_a_word_that_is_known_by_its_letters_is_no_target():
    predictor = TinyPredictor(TinyModel.load())
    text = predictor.read("the blorf met")
    assert text.targets[0] == UNKNOWN
    assert [said.template.split(" reads ")[0] for said in predictor.told()] == ["the tiny model"]
    assert TinyPredictor(TinyModel.load()).told() == []


def test_the_head_that_knows_whom_she_means():
    predictor = TinyPredictor(TinyModel.load())
    found = measure_effects(predictor.read(TEXT), predictor.answer("Rules"))
    assert found.answer.label == "rules"
    falls = numpy.array([layer.values[1] for layer in found.layers])
    assert numpy.unravel_index(falls.argmin(), falls.shape) == (1, 2)
    assert falls.min() < -0.8


def test_what_it_cannot_do_is_told():
    predictor = TinyPredictor(TinyModel.load())
    with pytest.raises(ChoiceError, match="the token Zürich is not in the vocabulary of this model"):
        predictor.answer("Zürich")
    with pytest.raises(AttnvizError, match="no decoder that reads a target"):
        predictor.read(TEXT, target="x")
    with pytest.raises(AttnvizError, match="no chat template"):
        predictor.read(TEXT, chat=True)
