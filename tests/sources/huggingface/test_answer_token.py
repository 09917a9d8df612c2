"""Which token an answer is: as it stands behind a space, else alone, else as the vocabulary spells it; else one line."""

from __future__ import annotations

import pytest
from headless_models import gap_tokenizer
from tiny_models import tokenizer
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from attnviz.errors import AttnvizError, ChoiceError
from attnviz.sources.huggingface.answer_token import answer_token


def token(cut, answer):
    found = answer_token(cut, answer)
    return cut.convert_ids_to_tokens(found.number), found.label


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("the", ("Ġthe", " the")),  # behind a space, though "the" is a token as well
        (" the", ("Ġthe", " the")),
        ("Your", ("Your", "Your")),  # behind a space it is several
        ("Ġjour", ("Ġjour", " jour")),  # as the vocabulary spells it
        ("<|endoftext|>", ("<|endoftext|>", "<|endoftext|>")),
        ("!", ("!", "!")),
    ],
)
def test_an_answer_of_pieces(answer, expected):
    assert token(tokenizer(), answer) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("king", ("king", "king")), ("King", ("king", "king")), ("##b", ("##b", "##b")), ("[UNK]", ("[UNK]", "[UNK]"))],
)
def test_an_answer_of_words(answer, expected):
    assert token(gap_tokenizer(), answer) == expected


def test_what_is_several_tokens_is_named_with_them():
    with pytest.raises(ChoiceError, match=r"^Zürich is 7 tokens to this model, not one: Z · ") as raised:
        answer_token(tokenizer(), "Zürich")
    assert raised.value.hint == "give one token, such as the first of them"
    with pytest.raises(ChoiceError, match=r"is 30 tokens .* …$"):
        answer_token(tokenizer(), "z" * 30)


@pytest.mark.parametrize("answer", ["", "€"])
def test_what_is_in_no_vocabulary_is_told(answer):
    with pytest.raises(ChoiceError, match="is not in the vocabulary of this model"):
        answer_token(gap_tokenizer(), answer)


def test_an_answer_that_is_no_text_or_breaks_the_tokenizer_is_told():
    with pytest.raises(AttnvizError, match="which is no character"):
        answer_token(tokenizer(), "\udc80")
    broken = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordPiece({"a": 0}, unk_token="[UNK]")))
    with pytest.raises(AttnvizError, match="the tokenizer fails on this text"):
        answer_token(broken, "b")


def test_control_characters_are_written_out():
    with pytest.raises(ChoiceError, match=r"the token \\x1b"):
        answer_token(gap_tokenizer(), "\x1b[31m")
