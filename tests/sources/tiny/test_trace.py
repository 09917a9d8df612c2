"""A run of the tiny model as a record: from X to the projected row, exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from tiny_weights import drawn_weights

from attnviz import AttnvizError
from attnviz.attention.toeplitz import is_spread
from attnviz.sources.tiny.model import TinyModel, joined
from attnviz.sources.tiny.trace import layers, likeliest_words, origin, read
from attnviz.trace.trace import Trace, load

TEXT = "the old wugs near the tree met a Queen . she"


@pytest.fixture
def model():
    return TinyModel(drawn_weights().astype("float64"), "tiny")


@pytest.fixture
def traced(model):
    words = model.encode(TEXT)
    run = model.run(model.embed(words))
    return run, layers(model, words, run)


def test_from_inputs_to_the_projected_row_each_step_is_the_models(traced):
    run, made = traced
    stream = None
    for layer, one in zip(made, run.layers, strict=True):
        inputs = layer.inputs
        if stream is not None:
            assert numpy.allclose(inputs, stream, atol=1e-12)
        for name, kept in (("query", layer.query), ("key", layer.key), ("value", layer.value)):
            assert numpy.allclose(layer.projections[name](inputs), joined(kept), atol=1e-12)
        steps = layer.steps()
        assert numpy.allclose(steps.weights, one.weights, atol=1e-12)
        stream = inputs + layer.projected(layer.concat(steps.output))
    assert numpy.allclose(stream, run.stream, atol=1e-12)


def test_the_first_layer_has_embeddings_and_positions_apart(model, traced):
    _, (first, second) = traced
    assert numpy.array_equal(first.embeddings, model.embed(model.encode(TEXT)))
    assert numpy.array_equal(first.positions, model.weights.positions[:11])
    assert second.positions is None


def test_the_bias_by_distance_is_held_as_what_it_is(traced):
    _, (first, _) = traced
    assert first.rule.causal
    assert is_spread(first.rule.bias)
    assert first.rule.bias.shape == (3, 11, 11)


def test_each_distance_has_its_bias_and_far_ones_share_the_last(model, traced):
    _, made = traced
    for layer, weights in zip(made, model.weights.layers, strict=True):
        for query, key, distance in ((7, 7, 0), (7, 4, 3), (7, 2, 5), (10, 0, 5)):
            assert numpy.array_equal(layer.rule.bias[:, query, key], weights.bias[:, distance])


def test_it_says_of_which_model_it_is_and_how_exactly(model, traced):
    run, made = traced
    said = origin(model, made, run)
    assert (said.kind, said.model_name, said.dtype, said.device) == ("model", "tiny", "float64", "cpu")
    assert said.agreement.largest_error < 1e-12
    assert (said.agreement.checked_queries, set(said.agreement.errors)) == (11, {"layer 0", "layer 1"})


def test_a_record_that_is_not_what_ran_is_refused(model, traced):
    run, (first, second) = traced
    with pytest.raises(AttnvizError, match=r"layer 1: attention recomputed .* is not what the model computed"):
        origin(model, (first, replace(second, key=second.key * 1.01)), run)


def test_a_text_is_read_with_what_may_come_next_at_each_word(model):
    trace = read(model, TEXT)
    assert trace.tokens == model.encode(TEXT).tokens
    assert [layer.index for layer in trace.layers] == [0, 1]
    logits = model.logits(model.run(model.embed(model.encode(TEXT))).stream)
    assert [one[0][0] for one in trace.predictions] == [model.weights.words[place] for place in logits.argmax(-1)]
    assert {len(one) for one in trace.predictions} == {5}


def test_as_many_next_words_are_kept_as_are_asked_for(model):
    assert [len(one) for one in read(model, "the dog", predictions=2).predictions] == [2, 2]


def test_only_the_layers_that_are_asked_for_are_kept(model):
    (layer,) = read(model, TEXT, layer=["1"]).layers
    assert layer.index == 1
    with pytest.raises(AttnvizError, match="layer 2 does not exist: the tiny model has layers 0 to 1"):
        read(model, TEXT, layer=["2"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": ""}, "the text is empty"),
        ({"text": 7}, "reads a text, and this is a int"),
        ({"text": "a", "chat": True}, "no chat template"),
        ({"text": "a", "target": "b"}, "no decoder"),
        ({"text": "a " * 41}, "41 tokens but the tiny model has 40 positions"),
    ],
)
def test_what_it_cannot_read_is_told(model, given, said):
    with pytest.raises(AttnvizError, match=said):
        read(model, **given)


def test_it_is_saved_and_read_again(traced, tmp_path):
    _, made = traced
    Trace(TinyModel(drawn_weights()).encode(TEXT).tokens, made).save(tmp_path / "a.safetensors")
    read = load(tmp_path / "a.safetensors")
    for layer, kept in zip(made, read.layers, strict=True):
        assert numpy.allclose(layer.steps(1).weights, kept.steps(1).weights)
        assert set(kept.projections) == {"query", "key", "value", "output"}


def test_predictions_are_the_likeliest_words_first(model, traced):
    run, _ = traced
    found = likeliest_words(model, run.stream, 4)
    assert len(found) == 11
    for row, likeliest in zip(model.logits(run.stream), found, strict=True):
        shares = numpy.exp(row) / numpy.exp(row).sum()
        assert [word for word, _ in likeliest] == [model.weights.words[place] for place in numpy.argsort(-shares)[:4]]
        assert numpy.allclose([share for _, share in likeliest], numpy.sort(shares)[::-1][:4])


def test_all_words_together_have_probability_one(model, traced):
    run, _ = traced
    every = likeliest_words(model, run.stream[-1:], len(model.weights.words))[0]
    assert sum(share for _, share in every) == pytest.approx(1.0)
    assert len({word for word, _ in every}) == len(model.weights.words)
