"""The tiny model's run in NumPy: against torch, against itself with a cache, and with heads' outputs replaced."""

from __future__ import annotations

import time

import numpy
import pytest
from tiny_weights import drawn_weights

from attnviz.errors import AttnvizError
from attnviz.sources.tiny.letters import spelling
from attnviz.sources.tiny.model import Cache, Replaced, TinyModel, joined, parted

TEXT = "the old wugs near the tree met a Queen . she"


@pytest.fixture
def model():
    return TinyModel(drawn_weights().astype("float64"))


@pytest.fixture
def network():
    """The same numbers in torch's network."""
    torch = pytest.importorskip("torch")
    from attnviz.sources.tiny.network import BIAS_GAIN, Network, Shape

    weights = drawn_weights()
    network = Network(Shape(words=len(weights.words), width=12, heads=3, positions=40, far=5))
    with torch.no_grad():
        for name in ("own", "spelling", "positions", "unembedding", "offset"):
            getattr(network, name).copy_(torch.from_numpy(getattr(weights, name)))
        for layer, numbers in zip(network.layers, weights.layers, strict=True):
            for name in ("query", "key", "value", "output"):
                getattr(layer, name).copy_(torch.from_numpy(getattr(numbers, name)))
            layer.bias.copy_(torch.from_numpy(numbers.bias) / BIAS_GAIN)
    return network.double()


def test_the_run_equals_torchs(model, network):
    import torch

    words = model.encode(TEXT)
    vectors = network.vectors(torch.tensor(words.ids), torch.tensor([spelling(token) for token in words.tokens]))
    logits, watched = network(vectors[None], torch.tensor([0]))
    run = model.run(model.embed(words))
    assert numpy.abs(model.logits(run.stream) - logits[0].detach().numpy()).max() < 1e-5
    for number, layer in enumerate(run.layers):
        added = layer.output @ model.weights.layers[number].output.reshape(3, 4, 12)  # (heads, tokens, width)
        norms = numpy.linalg.norm(added, axis=-1)
        assert numpy.abs(norms - watched[number].norms[0].detach().numpy()).max() < 1e-5
        shares = numpy.where(layer.weights > 0, layer.weights, 1.0)
        entropy = -(shares * numpy.log(shares)).sum(-1)
        assert numpy.abs(entropy - watched[number].entropy[0].detach().numpy()).max() < 1e-5


def test_the_run_equals_torchs_own_attention(model):
    """scaled_dot_product_attention with the bias as a mask, layer by layer, and plain products for the rest."""
    torch = pytest.importorskip("torch")
    run = model.run(model.embed(model.encode(TEXT)))
    tokens = run.stream.shape[0]
    distance = numpy.arange(tokens)[:, None] - numpy.arange(tokens)
    stream = run.layers[0].inputs
    for weights in model.weights.layers:
        bias = numpy.where(distance < 0, -numpy.inf, weights.bias[:, distance.clip(0, 5)])
        query, key, value = (
            torch.from_numpy(numpy.ascontiguousarray(parted(stream @ matrix, 3)))
            for matrix in (weights.query, weights.key, weights.value)
        )
        output = torch.nn.functional.scaled_dot_product_attention(query, key, value, torch.from_numpy(bias)).numpy()
        stream = stream + numpy.concatenate(list(output), axis=-1) @ weights.output
    assert numpy.abs(stream - run.stream).max() < 1e-9


@pytest.mark.parametrize("parts", [[1] * 11, [4, 7], [10, 1], [1, 9, 1]])
def test_with_a_cache_the_same_comes_out(model, parts):
    embeddings = model.embed(model.encode(TEXT))
    assert len(embeddings) == 11
    whole = model.run(embeddings)
    cache, streams, weights, begin = Cache(), [], [], 0
    for part in parts:
        run = model.run(embeddings[begin : begin + part], cache)
        begin += part
        assert cache.tokens == begin
        streams.append(run.stream)
        weights.append(run.layers[1].weights[:, -1])
    assert numpy.abs(numpy.concatenate(streams) - whole.stream).max() < 1e-6
    assert numpy.abs(cache.keys[1] - whole.layers[1].key).max() < 1e-6
    assert numpy.abs(weights[-1] - whole.layers[1].weights[:, -1]).max() < 1e-6


def test_texts_filled_up_on_the_right_run_together(model):
    long, short = (model.embed(model.encode(text)) for text in (TEXT, "the dogs near"))
    both = numpy.zeros((2, *long.shape))
    both[0], both[1, : len(short)] = long, short
    together = model.run(both)
    assert numpy.abs(together.stream[0] - model.run(long).stream).max() < 1e-9
    assert numpy.abs(together.stream[1, : len(short)] - model.run(short).stream).max() < 1e-9


def test_known_words_have_ids_in_any_case_and_others_are_spelled(model):
    words = model.encode("The WUGS met the queen!")
    assert words.tokens == ("The", "WUGS", "met", "the", "queen", "!")
    assert [number >= 0 for number in words.ids] == [True, False, True, True, True, False]
    assert words.ids[0] == words.ids[3] == model.ids["the"]
    assert words.spelled == 2


def test_a_vector_is_the_words_own_plus_those_of_its_letters(model):
    known, unknown = model.embed(model.words(["queen", "wugs"]))
    weights = model.weights
    letters = {word: weights.spelling[list(spelling(word))].sum(0) for word in ("queen", "wugs")}
    assert numpy.allclose(known, weights.own[model.ids["queen"]] + letters["queen"])
    assert numpy.allclose(unknown, letters["wugs"])


def test_a_head_whose_output_is_replaced_writes_that_instead(model):
    embeddings = model.embed(model.encode(TEXT))
    whole = model.run(embeddings)
    mean = numpy.array([1.0, -2.0, 0.5, 0.0])
    run = model.run(embeddings, replaced={(0, 1): Replaced(mean)})
    assert numpy.array_equal(run.layers[0].output[1], numpy.tile(mean, (11, 1)))
    assert numpy.array_equal(run.layers[0].output[[0, 2]], whole.layers[0].output[[0, 2]])
    added = (mean - whole.layers[0].output[1]) @ model.weights.layers[0].output[4:8]
    assert numpy.allclose(run.layers[1].inputs, whole.layers[1].inputs + added)
    assert not numpy.allclose(run.stream, whole.stream)


def test_a_head_is_replaced_only_where_that_was_asked(model):
    embeddings = numpy.stack([model.embed(model.encode(TEXT))] * 2)
    whole = model.run(embeddings)
    at = numpy.zeros((2, 11), bool)
    at[1, 4] = True
    other = numpy.full((2, 11, 4), 3.0)
    run = model.run(embeddings, replaced={(1, 2): Replaced(other, at)})
    assert numpy.array_equal(run.layers[1].output[1, 2, 4], numpy.full(4, 3.0))
    same = ~at[:, None, :, None] | (numpy.arange(3) != 2)[:, None, None]
    assert numpy.array_equal(numpy.where(same, run.layers[1].output, 0), numpy.where(same, whole.layers[1].output, 0))
    assert numpy.array_equal(run.stream[0], whole.stream[0])


def test_a_run_that_replaces_its_own_outputs_changes_nothing(model):
    embeddings = model.embed(model.encode(TEXT))
    whole = model.run(embeddings)
    run = model.run(embeddings, replaced={(0, 2): Replaced(whole.layers[0].output[2])})
    assert numpy.array_equal(run.stream, whole.stream)


def test_parted_and_joined_undo_each_other():
    array = numpy.arange(2 * 5 * 12).reshape(2, 5, 12)
    heads = parted(array, 3)
    assert heads.shape == (2, 3, 5, 4)
    assert numpy.array_equal(heads[:, 1], array[..., 4:8])
    assert numpy.array_equal(joined(heads), array)


def test_more_tokens_than_positions_are_refused(model):
    with pytest.raises(AttnvizError, match="41 tokens but the tiny model has 40 positions"):
        model.encode("dog " * 41)
    cache = Cache()
    model.run(model.embed(model.encode("dog " * 40)), cache)
    with pytest.raises(AttnvizError, match="has 40 positions, and they are full"):
        model.run(model.embed(model.encode("dog")), cache)


def test_an_empty_text_is_refused(model):
    with pytest.raises(AttnvizError, match="the text is empty"):
        model.encode("")


def test_the_model_in_the_package_reads_at_least_128_tokens_and_500_a_second():
    model = TinyModel.load()
    assert model.positions >= 128
    cache = Cache()
    token = model.embed(model.encode("dog"))
    model.run(token, cache)
    began = time.process_time()
    for _ in range(60):
        model.logits(model.run(token, cache).stream)
    assert 60 / (time.process_time() - began) > 500
