"""Two texts that a model reads as a pair: with segments where it has vectors for them, and refused where it has no pairs."""

from __future__ import annotations

import numpy
import pytest
import tiny_models
import torch
import transformers
from tiny_tokenizers import byte_fallback, ending, pairing, word_pieces
from tokenizers import processors

from attnviz import AttnvizError, trace_model, trace_text
from attnviz.attention.arrays import to_numpy
from attnviz.trace.selection import select

FIRST, SECOND = "the cat sat", "your journey starts"


@pytest.mark.parametrize("name", ["Bert", "Albert"])
def test_segments_are_those_that_the_model_has_vectors_for(name):
    network, tokenizer = tiny_models.model(name), pairing()
    trace = trace_model(network, FIRST, pair=SECOND, tokenizer=tokenizer)
    given = tokenizer(FIRST, SECOND, return_tensors="pt", return_token_type_ids=True)
    assert set(given["token_type_ids"][0].tolist()) == {0, 1}
    network.set_attn_implementation("eager")
    try:
        own = network(**given, output_attentions=True).attentions
        without = network(given["input_ids"], output_attentions=True).attentions
    finally:
        network.set_attn_implementation("sdpa")
    for layer, attention, other in zip(trace.layers, own, without, strict=True):
        weights = to_numpy(layer.steps().weights)
        assert numpy.abs(weights - attention[0].detach().numpy()).max() < 1e-5
        assert numpy.abs(weights - other[0].detach().numpy()).max() > 1e-3  # the segments are read


def test_labels_and_facts_say_of_which_text_a_token_is():
    trace = trace_model(tiny_models.model("Bert"), FIRST, pair=SECOND, tokenizer=pairing())
    assert trace.tokens[0] == "[CLS]"
    assert [token for token in trace.tokens if token.startswith("A:")] == ["A:the", "A:cat", "A:sat"]
    texts = {0: FIRST, 1: SECOND}
    for token, segment, span in zip(trace.tokens, trace.segments, trace.spans, strict=True):
        if segment is not None:
            assert token.removeprefix("AB"[segment] + ":") == texts[segment][slice(*span)]
    assert (trace.source.original, trace.source.pair) == (FIRST, SECOND)


def test_a_model_without_segments_reads_the_separators_alone():
    trace = trace_model(tiny_models.model("T5"), FIRST, pair=SECOND, tokenizer=ending())
    assert trace.segments.count(None) == 2
    assert [token for token in trace.tokens if token[1:2] != ":"] == ["</s>", "</s>"]


def test_a_model_with_one_type_is_given_none():
    config = transformers.BertConfig(**tiny_models.PLAIN | {"type_vocab_size": 1})
    trace = trace_model(transformers.BertModel(config).eval(), FIRST, pair=SECOND, tokenizer=pairing())
    assert 1 in trace.segments


@pytest.mark.parametrize(
    ("name", "tokenizer", "options", "message"),
    [
        (
            "GPT2",
            tiny_models.tokenizer,
            {},
            "GPT2LMHeadModel knows no pairs: its tokenizer puts no separator between two",
        ),
        ("Bert", word_pieces, {}, "BertForMaskedLM knows no pairs"),
        ("Bert", pairing, {"text": [1, 2]}, "a pair is two texts, and one of these is of type list"),
        ("Bert", pairing, {"pair": 5}, "a pair is two texts, and one of these is of type int"),
        ("Bert", pairing, {"pair": ""}, "the tokenizer makes no tokens of --pair"),
        ("Bert", pairing, {"text": " "}, "the tokenizer makes no tokens of TEXT"),
        ("Bert", pairing, {"pair": "\udc80"}, "the text holds '\\udc80' at position 0, which is no character"),
        ("Bert", pairing, {"chat": True}, "a chat has no pair of texts"),
        ("Bert", pairing, {"image": "a.png"}, "a pair is two texts, and an image is none"),
        ("Bert", pairing, {"target": "x"}, "BertForMaskedLM has no decoder to read a target"),
        ("ViT", pairing, {}, "ViTForImageClassification looks at an image, not at a text"),
    ],
)
def test_what_is_no_pair_is_one_clear_line(name, tokenizer, options, message):
    given = {"text": FIRST, "pair": SECOND} | options
    with pytest.raises(AttnvizError) as error:
        trace_model(tiny_models.model(name), given.pop("text"), tokenizer=tokenizer(), **given)
    assert error.value.message.startswith(message)


def test_a_start_between_two_texts_is_no_separator():
    made = byte_fallback()
    made.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B:1", special_tokens=[("<s>", 1)]
    )
    with pytest.raises(AttnvizError, match="LlamaForCausalLM knows no pairs"):
        trace_model(tiny_models.model("Llama"), FIRST, pair=SECOND, tokenizer=made)


def test_types_that_the_model_lacks_are_not_sent():
    from attnviz.sources.huggingface.labels import tokens_of_text
    from attnviz.sources.huggingface.pairs import segment_inputs

    network, cut = tiny_models.model("Bert"), tokens_of_text(pairing(), FIRST, pair=SECOND)
    assert torch.equal(segment_inputs(network, cut)["token_type_ids"], torch.tensor([cut.types]))
    assert segment_inputs(network, cut._replace(types=(0, 2))) == {}
    assert segment_inputs(tiny_models.model("T5"), cut) == {}
    assert segment_inputs(network, tokens_of_text(pairing(), FIRST)) == {}


def test_a_text_of_a_pair_or_a_token_of_it_can_be_picked():
    trace = trace_model(tiny_models.model("Bert"), FIRST, pair=SECOND, tokenizer=pairing(), layer=0)
    [picked] = select(trace, query="B:", key="cat").layers
    second = [place for place, segment in enumerate(trace.segments) if segment == 1]
    assert picked.ranges[0] == range(second[0], second[-1] + 1)
    assert picked.key == trace.tokens.index("A:cat")
    [picked] = select(trace, query="A:cat", key="A:").layers
    assert (picked.query, picked.ranges[1]) == (trace.tokens.index("A:cat"), range(1, 4))
    with pytest.raises(AttnvizError, match="no query token B:"):
        select(trace_text("a b"), query="B:")
