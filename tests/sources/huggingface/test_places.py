"""Which tokens a model predicts: the next ones, or each in its gap."""

from __future__ import annotations

import pytest
import torch
from headless_models import gap_tokenizer, predicting
from tiny_models import model, tokenizer

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.inputs import read
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.places import gaps, next_tokens
from attnviz.trace.ablation import UNKNOWN


def of_gaps(text):
    asked = predicting("Bert")
    return gaps(asked, read(asked, text, None, False))


def ids(*words):
    return gap_tokenizer().convert_tokens_to_ids(list(words))


def test_each_token_is_predicted_from_those_before_it():
    reading = read(predicting("Llama"), [5, 6, 7], None, False)
    places = next_tokens(reading)
    assert (places.targets.tolist(), places.asked, places.passes, places.tokens) == ([6, 7, UNKNOWN], 2, 1, 3)
    assert places.rows([0, 0])["input_ids"].tolist() == [[5, 6, 7], [5, 6, 7]]
    logits = torch.randn(3, 9)
    assert places.predicted(logits, 0) is logits


def test_of_two_stacks_the_decoders_tokens_are_predicted():
    reading = read(predicting("T5"), [5, 6], [8, 9, 10], False)
    places = next_tokens(reading)
    assert (places.name, places.targets.tolist(), places.asked) == ("decoder_input_ids", [8, 9, UNKNOWN], 2)
    assert places.tokens == 5
    assert {name: value.shape for name, value in places.rows([0, 0]).items()} == {
        "input_ids": (2, 2),
        "decoder_input_ids": (2, 3),
    }


def test_each_token_but_special_ones_is_hidden_in_a_pass_of_its_own():
    places = of_gaps("we list")
    mask = gap_tokenizer().mask_token_id
    assert (places.hidden, places.asked, places.passes) == ((1, 2), None, 2)
    assert places.targets.tolist() == ids("we", "list")
    assert places.rows([1, 0])["input_ids"].tolist() == [[0, *ids("we"), mask, 0], [0, mask, *ids("list"), 0]]
    logits = torch.randn(4, 9)
    assert torch.equal(places.predicted(logits, 1), logits[2:3])


def test_the_texts_own_gap_is_asked_for_and_not_a_target():
    places = of_gaps("we [MASK] list")
    assert (places.hidden, places.asked) == ((1, 3, 2), 2)
    assert places.targets.tolist() == [*ids("we", "list"), UNKNOWN]
    assert places.rows([2])["input_ids"].tolist() == [[0, *ids("we"), gap_tokenizer().mask_token_id, *ids("list"), 0]]


def test_several_gaps_ask_for_nothing():
    places = of_gaps("[MASK] list [MASK]")
    assert (places.hidden, places.asked) == ((2,), None)


def test_a_text_of_special_tokens_alone_has_nothing_to_predict():
    with pytest.raises(AttnvizError, match="there is no token here that the model could predict"):
        of_gaps([0, 0])


def test_a_tokenizer_without_a_gap_is_refused():
    asked = Model(model("Bert"), "Bert", tokenizer())
    with pytest.raises(AttnvizError, match="the tokenizer has no token for a gap"):
        gaps(asked, read(asked, "the cat", None, False))


def test_of_a_pair_each_token_is_hidden_and_the_segments_stay():
    asked = predicting("Bert")
    reading = read(asked, "we list", None, False, pair="the king")
    places = gaps(asked, reading)
    special = set(reading.tokens.special)
    assert places.hidden == tuple(place for place in range(len(reading.tokens.ids)) if place not in special)
    rows = places.rows([0, 3])
    assert rows["token_type_ids"].tolist() == [reading.inputs["token_type_ids"][0].tolist()] * 2
