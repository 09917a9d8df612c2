"""Weights between words: those of Clark et al. 2019, written out word by word, for every way to cut a text."""

from __future__ import annotations

import numpy
import pytest
import tiny_models
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_tokenizers import unigram, word_pieces

import attnviz
from attnviz import AttnvizError, Layer, Rule, Trace, trace_model, trace_text
from attnviz.analysis import words
from attnviz.analysis.word_groups import groups_of
from attnviz.analysis.words import by_words, merged, require_merging
from attnviz.attention.arrays import to_numpy
from attnviz.errors import UsageError
from attnviz.trace.token_facts import TokenFacts

TEXT = "Your journeys cost, one by one, café 世界🙂 stops"


def of_clark(weights: numpy.ndarray, queries: list[list[int]], keys: list[list[int]]) -> numpy.ndarray:
    """Section 4.1 as it reads: to a split word the sum of the attention to its tokens, from it the mean."""
    made = numpy.zeros((len(queries), len(keys)))
    for row, own in enumerate(queries):
        for column, others in enumerate(keys):
            made[row, column] = numpy.mean([sum(float(weights[token, other]) for other in others) for token in own])
    return made


def tokens_of_words(facts: TokenFacts) -> list[list[int]]:
    found: list[list[int]] = []
    for place, word in enumerate(facts.words):
        if word is not None and place and facts.words[place - 1] == word:
            found[-1].append(place)
        else:
            found.append([place])
    return found


@given(st.data())
def test_merging_is_that_of_the_paper(data):
    sides = []
    for _ in range(2):
        numbers = data.draw(st.lists(st.none() | st.integers(0, 3), min_size=1, max_size=7))
        sides.append((groups_of(numbers, len(numbers)), tokens_of_words(TokenFacts(tuple(numbers)))))
    (queries, rows), (keys, columns) = sides
    weights = numpy.random.default_rng(data.draw(st.integers(0, 99))).dirichlet(numpy.ones(keys.tokens), queries.tokens)
    found = merged(weights, queries, keys)
    assert numpy.allclose(found, of_clark(weights, rows, columns), atol=1e-12)
    assert numpy.allclose(found.sum(-1), 1)


CASES = {
    "Bert": word_pieces,
    "GPT2": tiny_models.tokenizer,
    "Mistral": tiny_models.tokenizer,  # a window
    "GptOss": tiny_models.tokenizer,  # sinks
    "Gemma2": unigram,
    "T5": unigram,  # a bias, and a decoder that reads something else
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.some(2)
def test_words_of_a_model_look_as_its_tokens_do(name):
    trace = trace_model(tiny_models.model(name), TEXT, tokenizer=CASES[name]())
    found = by_words(trace)
    assert len(found.layers) == len(trace.layers)
    for layer, own in zip(trace.layers, found.layers, strict=True):
        queries, keys = (tokens_of_words(facts) for facts in (trace.query_facts(layer), trace.key_facts(layer)))
        for head in range(layer.heads):
            steps, ours = layer.steps(head), own.steps(head)
            assert numpy.abs(ours.weights - of_clark(to_numpy(steps.weights), queries, keys)).max() < 1e-6
            sums = to_numpy(steps.weights).sum(-1)
            assert numpy.allclose(ours.weights.sum(-1), [sums[tokens].mean() for tokens in queries], atol=1e-6)
            hidden = to_numpy(steps.hidden)
            whole = [[hidden[numpy.ix_(one, other)].all() for other in keys] for one in queries]
            assert (ours.hidden == whole).all()


def test_the_weights_are_those_that_the_model_itself_gives():
    network, tokenizer = tiny_models.model("Bert"), word_pieces()
    network.set_attn_implementation("eager")
    try:
        ids = torch.tensor([tokenizer(TEXT)["input_ids"]])
        own = network(ids, output_attentions=True).attentions
    finally:
        network.set_attn_implementation("sdpa")
    trace = trace_model(network, TEXT, tokenizer=tokenizer)
    tokens = tokens_of_words(trace.query_facts(trace.layers[0]))
    for layer, attention in zip(by_words(trace).layers, own, strict=True):
        for head in range(layer.heads):
            wanted = of_clark(attention[0, head].detach().numpy(), tokens, tokens)
            assert numpy.abs(layer.weights[head] - wanted).max() < 1e-6


@pytest.mark.parametrize("name", ["Bert", "GPT2", "Gemma2"])
def test_labels_are_the_words_of_the_text(name):
    trace = trace_model(tiny_models.model(name), TEXT, tokenizer=CASES[name](), layer=0)
    found = by_words(trace).tokens
    for word in ("Your", "journeys", "cost", ",", "one", "by", "café", "stops"):  # or with [UNK] behind it
        assert any(label.startswith(word) for label in found), word
    assert len(found) < len(trace.tokens)


def test_causal_words_are_causal():
    found = by_words(trace_model(tiny_models.model("GPT2"), TEXT, tokenizer=tiny_models.tokenizer()))
    assert all(layer.rule.causal and layer.rule.mask is None for layer in found.layers)


def test_what_each_head_sees_of_its_own_is_kept():
    mask = numpy.ones((2, 3, 3), dtype=bool)
    mask[0, 0, 2] = mask[1, :, 0] = False
    query = numpy.random.default_rng(0).normal(size=(2, 3, 4))
    trace = Trace(("a", "##b", "c"), (Layer(query, query, query, Rule(mask=mask)),))
    hidden = by_words(trace).layers[0].steps().hidden
    assert hidden.tolist() == [[[False, False], [False, False]], [[False, False], [False, False]]]
    mask[0, 1, 2] = False
    trace = Trace(("a", "##b", "c"), (Layer(query, query, query, Rule(mask=mask)),))
    hidden = by_words(trace).layers[0].steps().hidden
    assert hidden.tolist() == [[[False, True], [False, False]], [[False, False], [False, False]]]


def test_layers_and_predictions_are_kept_where_they_are_meant():
    trace = attnviz.trace_model("tiny", "the kings near the wug are")
    assert by_words(trace).predictions == trace.predictions
    cut = trace_model(tiny_models.model("GPT2"), TEXT, tokenizer=tiny_models.tokenizer())
    assert [layer.index for layer in by_words(cut, ["1"]).layers] == [1]
    with pytest.raises(AttnvizError, match="layer 7 does not exist"):
        by_words(cut, ["7"])


def test_what_follows_a_word_follows_its_last_token():
    likely = tuple([(str(place), 0.5)] for place in range(3))
    eye = numpy.eye(3)[None]
    trace = Trace(("a", "##b", "c"), (Layer(eye, eye, eye),), predictions=likely)
    assert by_words(trace).predictions == ((("1", 0.5),), (("2", 0.5),))


def test_words_are_saved_and_are_words_again(tmp_path):
    found = by_words(trace_model(tiny_models.model("Bert"), TEXT, tokenizer=word_pieces(), layer=0))
    found.save(tmp_path / "w.safetensors")
    again = attnviz.load(tmp_path / "w.safetensors")
    assert (again.tokens, again.facts, again.source.merged) == (found.tokens, found.facts, "words")
    assert numpy.array_equal(again.layers[0].weights, found.layers[0].weights)
    assert by_words(again).tokens == again.tokens
    assert numpy.allclose(by_words(again).layers[0].weights, found.layers[0].weights, atol=1e-7)


def test_the_rows_of_a_long_text_are_merged_in_blocks(monkeypatch):
    trace = trace_text("one two three four five six", tokenizer="char", heads=2, causal=True)
    whole = by_words(trace).layers[0].weights
    monkeypatch.setattr(words, "CELLS", 100)
    assert numpy.allclose(by_words(trace).layers[0].weights, whole, atol=1e-12)


def test_numbers_of_double_precision_stay_so():
    assert by_words(trace_text("a b")).layers[0].weights.dtype == numpy.float64


def test_a_text_that_is_too_long_is_refused_before_anything_is_computed(monkeypatch):
    with pytest.raises(AttnvizError, match="5,000 tokens are too many to be merged to words: at most 4,096"):
        by_words(trace_text("a " * 5000))
    monkeypatch.setattr(words, "require_memory", lambda needed, *_: needed > 10**9 and pytest.fail("too much"))
    by_words(trace_text("a " * 50))


@pytest.mark.parametrize(
    ("steps", "others", "message"),
    [
        (["scores"], {}, "--words merges weights: scores cannot be shown of words"),
        (["weights", "output", "value"], {}, "--words merges weights: output or value cannot be shown of words"),
        (
            ["weights"],
            {"compare": "causal"},
            "--words merges the weights of a layer, and --compare shows something else",
        ),
        (
            [],
            {"compare": None, "on_image": 1},
            "--words merges the weights of a layer, and --on-image shows something else",
        ),
    ],
)
def test_only_weights_are_merged(steps, others, message):
    with pytest.raises(UsageError) as error:
        require_merging(steps, **others)
    assert error.value.message == message
    require_merging(["weights"], compare=None)
