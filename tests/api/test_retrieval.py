"""attnviz.retrieval, and what the command line makes of the same."""

from __future__ import annotations

import copying
import pytest
from tiny_models import model, tokenizer

import attnviz
from attnviz import AttnvizError
from attnviz.sources import writers


@pytest.fixture
def copier(monkeypatch):
    monkeypatch.setattr(writers, "writer", lambda *_, **__: copying.writes)


@pytest.mark.usefixtures("copier")
def test_a_model_that_copies_is_measured():
    found = attnviz.retrieval("copier", needles=3, needle_words=(30, 60), head=[0, 1])
    assert (found.copied, len(found.asked), len(found.heads())) == (6, 6, 2)
    assert (
        attnviz.retrieval("copier", "One two three four. " * 9, needles=1, needle_words=20).asked[0].planted.words == 20
    )
    assert attnviz.retrieval("copier", threshold=0.7).limit == pytest.approx(0.7, abs=0.01)


@pytest.mark.usefixtures("copier")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"needles": 0}, "needles is 0: expected a whole number from 1 to 12"),
        ({"needle_words": 3}, "needle_words is 3: expected a whole number from 10"),
        ({"needle_words": ["x"]}, "needle_words is 'x'"),
        ({"threshold": 2}, "threshold is 2: expected a number from 0.01 to 1"),
        ({"haystack": 3}, "haystack is 3: expected a text"),
        ({"haystack": "too short"}, "has 2 words, and 100 are asked for"),
        ({"layer": 9}, "layer"),
    ],
)
def test_what_cannot_be_asked_is_one_line(options, message):
    with pytest.raises(AttnvizError, match=message):
        attnviz.retrieval("copier", **options)


def test_a_model_that_copies_nothing_has_no_retrieval_heads():
    with pytest.raises(AttnvizError, match="has copied none of the 1 needles"):
        attnviz.retrieval(model("Qwen2"), "One two three. " * 4, needles=1, needle_words=10, tokenizer=tokenizer())


def test_a_model_of_two_stacks_is_told(monkeypatch):
    monkeypatch.setattr(type(model("T5")), "generate", lambda *_, **__: pytest.fail("it was asked to write"))
    with pytest.raises(AttnvizError, match="in one stack of layers"):
        attnviz.retrieval(model("T5"), needles=1, tokenizer=tokenizer())
