"""Which tokens a word is: exact for each kind of tokenizer, or told."""

from __future__ import annotations

import pytest
from asked_models import word_tokenizer
from tiny_models import tokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizer, PreTrainedTokenizerFast

from attnviz import AttnvizError
from attnviz.sources.huggingface.wording import cut, first_token, written

WORDS = ("the", "queen", "met", "the", "wug", ".", "she")


def of_words(made, pre_tokenizer) -> PreTrainedTokenizerFast:
    made = Tokenizer(made)
    made.pre_tokenizer = pre_tokenizer
    made.decoder = decoders.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>")


def metaspace() -> PreTrainedTokenizerFast:
    """SentencePiece's way: a space is a token of its own where no piece begins with it."""
    pieces = ["<unk>", "▁", "▁the", "▁queen", "▁met", "wu", "g", ".", "▁she"]
    return of_words(
        models.Unigram([(piece, -1.0 - number / 9) for number, piece in enumerate(pieces)], unk_id=0),
        pre_tokenizers.Metaspace(),
    )


class Slow(PreTrainedTokenizer):
    """A tokenizer in Python alone, of pairs of letters, between two special tokens."""

    step = 2

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        super().__init__(bos_token="<s>", eos_token="</s>", unk_token="<unk>")

    @property
    def vocab_size(self) -> int:
        return len(self._known)

    def get_vocab(self) -> dict[str, int]:
        return dict(self._known)

    def _tokenize(self, text: str, **_: object) -> list[str]:
        return [word[start : start + self.step] for word in text.split() for start in range(0, len(word), self.step)]

    def _convert_token_to_id(self, token: str) -> int:
        return self._known.setdefault(token, 100 + len(self._known))

    def _convert_id_to_token(self, index: int) -> str:
        return {number: token for token, number in self._known.items()}[index]

    def build_inputs_with_special_tokens(self, token_ids_0, token_ids_1=None) -> list[int]:  # noqa: ARG002
        return [self.bos_token_id, *token_ids_0, self.eos_token_id]


class Hasty(Slow):
    """Cuts the beginning of a text otherwise than the whole: from its end."""

    def _tokenize(self, text: str, **_: object) -> list[str]:
        joined = "".join(text.split())
        return [joined[max(0, stop - 3) : stop] for stop in range(len(joined), 0, -3)][::-1]


def spelled(made, words) -> list[str]:
    """Each word as its tokens spell it."""
    whole = cut(made, words)
    return ["".join(made.convert_ids_to_tokens([whole.ids[token] for token in tokens])) for tokens in whole.words]


def test_a_text_has_a_space_before_each_word_and_none_before_a_mark():
    text, starts = written(("list", ":", "old", "cup", ";", "old", "."))
    assert text == "list: old cup; old."
    assert [text[start] for start in starts] == ["l", ":", "o", "c", ";", "o", "."]


def test_each_word_has_its_tokens():
    assert spelled(word_tokenizer(), WORDS) == ["the", "queen", "m##e##t", "the", "w##u##g", ".", "she"]
    assert spelled(tokenizer(), ("the", "cat", ",", "and", "wug")) == [
        "the",
        "Ġcat",
        ",",
        "Ġand",
        "wug",
    ]  # its space is a token that is no word
    assert spelled(metaspace(), WORDS) == ["▁the", "▁queen", "▁met", "▁the", "wug", ".", "▁she"]


def test_special_tokens_are_no_words():
    whole = cut(word_tokenizer(closed=True), ("the", "dog"))
    assert whole.words == (range(1, 2), range(2, 3))
    assert (len(whole.ids), whole.question) == (4, 2)


def test_a_tokenizer_without_offsets_is_asked_for_each_beginning():
    assert spelled(Slow(), ("the", "queen")) == ["the", "queen"]
    whole = cut(Slow(), ("the", "queen"))
    assert whole.words == (range(1, 3), range(3, 6))


def test_a_tokenizer_that_cuts_a_beginning_otherwise_is_refused():
    with pytest.raises(AttnvizError, match="cuts the beginning of 'the queen' otherwise than the whole"):
        cut(Hasty(), ("the", "queen"))


def test_a_word_without_a_token_of_its_own_is_refused():
    joining = of_words(
        models.WordLevel({"<unk>": 0, "the queen": 1}, unk_token="<unk>"), pre_tokenizers.Split("|", "removed")
    )
    with pytest.raises(AttnvizError, match="joins 'queen' with the word beside it in 'the queen'"):
        cut(joining, ("the", "queen"))


def test_an_answer_begins_as_it_stands_after_a_space():
    made = tokenizer()
    assert made.convert_ids_to_tokens(first_token(made, "slept")) == made.tokenize("the slept")[1]
    assert made.convert_ids_to_tokens(first_token(made, "cat")) == "Ġcat"
    assert metaspace().convert_ids_to_tokens(first_token(metaspace(), "wug")) == "▁"
    assert first_token(word_tokenizer(), "żółw") is None
