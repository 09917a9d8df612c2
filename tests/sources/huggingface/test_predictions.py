"""The likeliest tokens after each position."""

from __future__ import annotations

import math

import pytest
import torch
from tiny_models import tokenizer

from attnviz.sources.huggingface import predictions
from attnviz.sources.huggingface.predictions import Likeliest

SHARES = torch.tensor([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]])


def test_the_likeliest_come_first_at_their_positions():
    likeliest = Likeliest(2, None)
    likeliest.take(SHARES.log(), end=4)
    assert [(label, pytest.approx(share)) for label, share in likeliest.after(2)] == [("2", 0.7), ("1", 0.2)]
    assert [label for label, _ in likeliest.after(3)] == ["0", "1"]
    assert likeliest.after(1) == likeliest.after(4) == ()
    assert likeliest.probability(2) == pytest.approx(0.2)


def test_there_are_no_more_than_the_vocabulary_has():
    likeliest = Likeliest(9, None)
    likeliest.take(SHARES.log().half(), end=2)
    assert len(likeliest.after(0)) == 3
    assert math.isclose(sum(share for _, share in likeliest.after(1)), 1, abs_tol=1e-3)


def test_of_a_long_prompt_only_the_last_position_is_kept(monkeypatch):
    monkeypatch.setattr(predictions, "MOST", 5)
    likeliest = Likeliest(1, None)
    likeliest.take(SHARES.log(), end=2)
    assert (likeliest.after(0), likeliest.after(1)[0][0]) == ((), "0")


def test_a_token_of_the_text_has_the_label_that_it_has_there():
    ids = tokenizer().convert_tokens_to_ids(["Ġwith", "with", "Ġone"])
    logits = torch.full((1, len(tokenizer())), -9.0)
    logits[0, ids] = torch.tensor([3.0, 2.0, 1.0])
    likeliest = Likeliest(3, tokenizer())
    likeliest.name(ids[1], "with")
    likeliest.name(ids[1], "another")
    likeliest.take(logits, end=1)
    assert [label for label, _ in likeliest.after(0)] == [" with", "with", "one"]
