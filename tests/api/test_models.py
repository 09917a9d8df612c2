"""A model that reads one text, or several one after the other."""

from __future__ import annotations

import numpy
import pytest
import tiny_models

from attnviz import AttnvizError, trace_model
from attnviz.attention.arrays import to_numpy

TEXTS = ["the cat sat", "Your journey starts with one step", "the mat"]


def same(one, other) -> bool:
    return (
        one.tokens == other.tokens
        and one.facts == other.facts
        and all(
            numpy.abs(to_numpy(left.steps().weights) - to_numpy(right.steps().weights)).max() < 1e-5
            for left, right in zip(one.layers, other.layers, strict=True)
        )
    )


@pytest.mark.parametrize("name", ["GPT2", "T5"])
def test_a_list_of_texts_is_a_list_of_traces(name):
    network, tokenizer = tiny_models.model(name), tiny_models.tokenizer()
    together = trace_model(network, TEXTS, tokenizer=tokenizer, layer=0)
    alone = [trace_model(network, text, tokenizer=tokenizer, layer=0) for text in TEXTS]
    assert isinstance(together, list)
    assert all(map(same, together, alone))
    assert [trace.source.original for trace in together] == TEXTS


def test_the_model_in_the_package_reads_a_list_too():
    assert [len(trace.tokens) for trace in trace_model("tiny", tuple(TEXTS[:1] * 2))] == [3, 3]


def test_each_text_has_its_own_target_or_all_the_same():
    network, tokenizer = tiny_models.model("T5"), tiny_models.tokenizer()
    own = trace_model(network, TEXTS[:2], target=["a", "the mat"], tokenizer=tokenizer)
    assert [len(trace.source.target.ids) for trace in own] == [1, 2]
    one = trace_model(network, TEXTS[:2], target="the mat", tokenizer=tokenizer)
    assert [len(trace.source.target.ids) for trace in one] == [2, 2]


def test_ids_are_one_text_however_they_are_given():
    network, tokenizer = tiny_models.model("GPT2"), tiny_models.tokenizer()
    for ids in ([5, 6, 7], [[5, 6, 7]], (5, 6, 7)):
        assert len(trace_model(network, ids, tokenizer=tokenizer).tokens) == 3


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        (["a", ""], {}, "text 1: the tokenizer makes no tokens of this text"),
        (["a", "b"], {"pair": ["c"]}, "1 of pair for 2 texts: give one for each, or one for all"),
        (["a", "b"], {"target": ["c"] * 3}, "3 of target for 2 texts"),
        (["a", 5], {}, "text 1: "),
        (["a"], {"layer": 9}, "layer 9 does not exist"),
        (["a"], {"verify": "none"}, "verify is 'none'"),
    ],
)
def test_what_is_wrong_with_one_of_them_is_told_with_its_place(texts, options, message):
    with pytest.raises(AttnvizError) as error:
        trace_model(tiny_models.model("GPT2"), texts, tokenizer=tiny_models.tokenizer(), **options)
    assert error.value.message.startswith(message)


def test_a_direction_is_of_one_text_and_the_model_in_the_package_tells_none():
    with pytest.raises(AttnvizError, match="toward is of one text"):
        trace_model("tiny", ["the dog", "the cat"], toward="cat")
    with pytest.raises(AttnvizError, match="tells no direction of a token"):
        trace_model("tiny", "the dog", toward="cat")


def test_next_tokens_and_lengths_are_asked_for_of_one_text():
    assert len(trace_model("tiny", "the dog", predictions=2).predictions[0]) == 2
    cut = trace_model("tiny", TEXTS[0], max_length=2, cut=True)
    assert cut.tokens == ("the", "cat")
    with pytest.raises(AttnvizError, match="3 tokens"):
        trace_model("tiny", TEXTS[0], max_length=2)


@pytest.mark.parametrize("nothing", [[], ()])
def test_no_texts_are_told_as_such(nothing):
    with pytest.raises(AttnvizError, match="there are no texts") as raised:
        trace_model("tiny", nothing)
    assert raised.value.hint == "give at least one"
