"""The word, the characters and the spelling of each token, from tokenizers of every kind."""

from __future__ import annotations

import pytest
import tiny_models
from tiny_tokenizers import TOKENIZERS, word_pieces

from attnviz.sources.huggingface.labels import continued, of_ids, tokens_of_text
from attnviz.sources.huggingface.spelling import spelled
from attnviz.text.words import word_spans

TEXTS = (
    "Your  journey, don't stop",
    "cafe\u0301 世界🙂 the cat",
    "one step",
    "👍🏽 the mat!",
)


class Slow:
    """A tokenizer that tells no offsets, as those that are written in Python."""

    is_fast = False

    def __init__(self, fast) -> None:
        self.fast = fast

    def __call__(self, *given, **options):
        return self.fast(*given, **options)

    def __getattr__(self, name):
        return getattr(self.fast, name)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_tokens_of_each_word_of_the_text_are_of_one_word(name, text):
    cut = tokens_of_text(TOKENIZERS[name](), text)
    words, spans = cut.facts.words, cut.facts.spans
    assert [place for place, word in enumerate(words) if word is None] == list(cut.special)
    for start, end in word_spans(text):
        own = {
            word
            for word, span in zip(words, spans, strict=True)
            if span is not None and span[0] < end and span[1] > start
        }
        assert len(own) == 1, text[start:end]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_characters_of_all_tokens_are_the_whole_text(name, text):
    cut = tokens_of_text(TOKENIZERS[name](), text)
    held = {place for span in cut.facts.spans if span is not None for place in range(*span)}
    assert {place for place in range(len(text)) if text[place] not in " \u0301"} <= held


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", TOKENIZERS)
def test_words_are_the_same_where_only_ids_are_known(name, text):
    tokenizer = TOKENIZERS[name]()
    cut = tokens_of_text(tokenizer, text)
    if tokenizer.unk_token_id is None or tokenizer.unk_token_id not in cut.ids:
        assert of_ids(cut.ids, tokenizer).facts.words == cut.facts.words


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_tokenizer_without_offsets_finds_the_same_words(name):
    text = "the cat sat on one step"
    fast = TOKENIZERS[name]()
    cut, slow = tokens_of_text(fast, text), tokens_of_text(Slow(fast), text)
    assert slow.facts.words == cut.facts.words
    assert slow.facts.texts == cut.facts.texts
    where = zip(slow.facts.spans, cut.facts.spans, strict=True)
    assert all(text[slice(*own)].strip() == text[slice(*other)].strip() for own, other in where if own and other)


@pytest.mark.parametrize(
    ("name", "text", "texts"),
    [
        ("word pieces", "Your journeys", ("[CLS]", "your", "journey", "##s", "[SEP]")),
        ("byte-level", "the cat", ("the", " cat")),
        ("byte-level", "世", ("<0xE4>", "<0xB8>", "<0x96>")),
        ("byte fallback", "世 cat", ("<s>", " ", "<0xE4>", "<0xB8>", "<0x96>", " cat")),
    ],
)
def test_a_token_is_kept_as_its_vocabulary_spells_it(name, text, texts):
    assert tokens_of_text(TOKENIZERS[name](), text).facts.texts == texts


def test_a_token_that_was_added_is_no_bytes():
    made = tiny_models.tokenizer()
    end = made.convert_tokens_to_ids("<|user|>")
    assert spelled([end, 10**6], made) == ("<|user|>", str(10**6))


def test_what_a_model_wrote_goes_on_with_the_last_word():
    tokenizer = tiny_models.tokenizer()
    given = tokens_of_text(tokenizer, "the ca")
    more = tokenizer("t sat")["input_ids"]
    whole = continued(given, more, tokenizer)
    assert whole.facts.words[len(given.ids)] == whole.facts.words[len(given.ids) - 1]
    assert whole.facts.words[-1] == whole.facts.words[len(given.ids) - 1] + 1
    assert whole.facts.spans[len(given.ids) :] == (None,) * len(more)


def test_a_pair_is_told_apart():
    cut = tokens_of_text(word_pieces(), "the cat", pair="the mats")
    assert cut.labels[:2] == ("A:the", "A:cat")
    assert cut.labels[2] == "B:the"
    assert cut.facts.segments == (0, 0, *[1] * (len(cut.ids) - 2))
    assert cut.facts.spans[2] == (0, 3)
    assert cut.facts.words[:4] == (0, 1, 2, 3)


def test_a_pair_is_told_apart_without_offsets():
    fast = word_pieces()
    slow, cut = (tokens_of_text(one, "the cat", pair="the mats") for one in (Slow(fast), fast))
    assert (slow.facts, slow.types) == (cut.facts, cut.types)
