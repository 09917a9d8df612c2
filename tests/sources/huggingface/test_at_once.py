"""How many texts run at once, and what a model is given of them."""

from __future__ import annotations

import pytest
import torch
from tiny_models import model

from attnviz.sources.given import Given
from attnviz.sources.huggingface import at_once
from attnviz.sources.huggingface.at_once import LEAST, MOST, PASS, TOKENS, Asked, AtOnce, padded
from attnviz.sources.huggingface.inputs import Reading


def asked(*ids: int, **others: torch.Tensor) -> Asked:
    return Asked(0, Given("a"), Reading({"input_ids": torch.tensor([ids]), **others}))


def test_a_processor_has_as_many_tokens_at_once_as_its_cache_serves():
    found = AtOnce(model("Llama"), None)
    assert [found.most(length) for length in (1, 16, 60, TOKENS, TOKENS + 1)] == [TOKENS, 32, 8, 1, 1]


@pytest.mark.parametrize(
    ("tokens", "parts", "serves"),
    [(10**6, 4, TOKENS), (4 * 300, 4, 300), (4 * 300, 1, TOKENS), (40, 4, LEAST), (0, 1, LEAST)],
)
def test_a_few_texts_are_parted_among_as_many_passes_as_run_at_once(tokens, parts, serves):
    found = AtOnce(model("Llama"), None)
    found.part(tokens, parts)
    assert found.most(1) == serves
    assert found.most(10) == serves // 10


def test_how_many_somebody_wants_is_not_parted():
    found = AtOnce(model("Llama"), 100)
    found.part(100, 4)
    assert found.most(16) == 100


def test_another_device_has_a_number_of_texts():
    with torch.device("meta"):
        network = type(model("Llama"))(model("Llama").config)
    found = AtOnce(network, None)
    assert found.most(16) == found.most(600) == MOST
    assert found.together([16] * 8 + [2] * 40) == MOST


def test_no_more_than_memory_allows(monkeypatch):
    found = AtOnce(model("Llama"), None)
    monkeypatch.setattr(at_once, "allowance", lambda: 100 * found.bytes_a_token())
    assert [found.most(length) for length in (10, 40, 100, 4096)] == [10, 2, 1, 1]
    assert AtOnce(model("Llama"), 7).most(4096) == 7  # somebody knows better


def test_padding_of_more_tokens_than_a_pass_costs_is_another_pass():
    found = AtOnce(model("Llama"), None)
    assert found.together([40] * 10) == 10
    assert found.together([40, 40 - PASS // 2, 40 - PASS // 2, 1]) == 3
    assert found.together([2 * PASS, 1]) == 1
    assert AtOnce(model("Llama"), 2).together([2 * PASS, 1]) == 2


@pytest.mark.parametrize("wanted", [None, 8])
def test_what_did_not_fit_is_halved_until_it_does(wanted):
    found = AtOnce(model("Llama"), wanted)
    found.did_not_fit(8, 50)
    assert found.most(50) == 4
    found.did_not_fit(4, 50)
    assert [found.most(length) for length in (50, 100, 1000)] == [2, 1, 1]
    found.did_not_fit(8, 50)  # it does not grow again
    assert found.most(50) == 2


def test_several_texts_are_padded_behind_to_the_longest():
    kinds = torch.ones(1, 3, dtype=torch.int64)
    found = padded([asked(5, 6, 7, token_type_ids=kinds), asked(8, token_type_ids=kinds[:, :1])], 9).inputs
    assert found["input_ids"].tolist() == [[5, 6, 7], [8, 9, 9]]
    assert found["token_type_ids"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert found["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert "attention_mask" not in padded([asked(1, 2), asked(3, 4)], 0).inputs


def test_a_text_is_plain_that_has_nothing_beside_its_ids():
    assert asked(1, 2).is_plain
    assert asked(1, 2, token_type_ids=torch.zeros(1, 2)).is_plain
    assert not asked(1, 2, pixel_values=torch.zeros(1)).is_plain
    assert asked(1, 2).length == 2
