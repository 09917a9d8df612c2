"""A text of many is read as long as it may be, or it is said why it is not; what no text would do better is raised."""

from __future__ import annotations

import pytest
from tiny_models import model, tokenizer

from attnviz import AttnvizError
from attnviz.errors import UsageError
from attnviz.sources.given import Given
from attnviz.sources.huggingface import asking
from attnviz.sources.huggingface.asking import Asking
from attnviz.sources.huggingface.model import Model
from attnviz.sources.texts.length import ANY_LENGTH, Length


def reads(length: Length = ANY_LENGTH) -> Asking:
    return Asking(Model.of(model("Llama"), tokenizer()), False, length)


def test_a_text_has_its_number_and_its_tokens():
    asked = reads()(7, Given("Your journey starts"))
    assert (asked.number, asked.given.text, asked.length) == (7, "Your journey starts", len(asked.reading.tokens.ids))


def test_a_text_that_is_too_long_is_cut_or_is_none():
    long = "Your journey starts with one step"
    cut = reads(Length(3, cut=True))
    assert cut(0, Given(long)).length == 3
    assert long.startswith(cut.fit(long))
    refused = reads(Length(3))(0, Given(long))
    assert isinstance(refused, AttnvizError)
    assert "3" in refused.message
    assert reads(Length(3))(0, Given([1, 2, 3])).length == 3  # ids are not cut


def test_what_no_other_text_would_do_better_is_raised(monkeypatch):
    def refuse(*_):
        raise UsageError("no such thing", "leave it out")

    monkeypatch.setattr(asking, "read", refuse)
    with pytest.raises(UsageError, match="no such thing"):
        reads()(0, Given("a"))
