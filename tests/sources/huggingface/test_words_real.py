"""Words and pairs of a model that somebody trained, held against transformers' own eager attention."""

from __future__ import annotations

import numpy
import pytest
import torch
import transformers
from real_models import minilm

from attnviz import trace_model
from attnviz.attention.arrays import to_numpy
from attnviz.sources.huggingface.model import Model

pytestmark = pytest.mark.slow

RARE = "Untokenizable neologisms bewilder anthropologists and ornithologists alike."


def word_by_word(weights: numpy.ndarray, words: list[int | None]) -> numpy.ndarray:
    """Clark et al. 2019, section 4.1: the sum to a word, the mean from it; the tokenizer says which tokens are one."""
    places = [[place] for place, word in enumerate(words) if not place or word is None or word != words[place - 1]]
    for place, word in enumerate(words):
        if place and word is not None and word == words[place - 1]:
            next(own for own in reversed(places) if own[0] < place).append(place)
    sums = numpy.stack([weights[:, own].sum(-1) for own in places], -1)
    return numpy.stack([sums[own].mean(0) for own in places])


def test_a_trained_encoder_reads_words_and_pairs():
    folder = str(minilm())
    model, tokenizer = Model.load(folder), transformers.AutoTokenizer.from_pretrained(folder)
    eager = transformers.AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    encoded = tokenizer(RARE, return_tensors="pt")
    with torch.no_grad():
        own = eager(**encoded, output_attentions=True).attentions
    trace = trace_model(model, RARE)
    for layer, attention in zip(trace.by_words().layers, own, strict=True):
        for head in range(layer.heads):
            wanted = word_by_word(attention[0, head].numpy(), encoded.word_ids(0))
            assert numpy.abs(layer.weights[head] - wanted).max() < 1e-5  # another kernel, in float32

    tokens, words = (
        {
            record["metric"]: record["mean"]
            for record in trace.stats(layer=0, head=2, metrics=names, words=merge).records
        }
        for names, merge in ((["previous"], False), (["previous", "self"], True))
    )
    assert tokens["previous"] > 0.95
    assert words["previous"] < 0.7  # much of it was within a word
    assert words["previous"] + words["self"] > 0.95

    first, second = "The untokenizable cat sat.", "A doglike creature slept."
    encoded = tokenizer(first, second, return_tensors="pt")
    with torch.no_grad():
        own = eager(**encoded, output_attentions=True).attentions
    pair = trace_model(model, first, pair=second)
    assert list(pair.source.text.ids) == encoded["input_ids"][0].tolist()
    for layer, attention in zip(pair.layers, own, strict=True):
        assert numpy.abs(to_numpy(layer.steps().weights) - attention[0].numpy()).max() < 1e-5
