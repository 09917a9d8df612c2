"""Which token of a model's vocabulary a person means by an answer."""

from __future__ import annotations

from typing import Any

from attnviz.errors import ChoiceError
from attnviz.sources.huggingface.labels import alone, tokenizer_errors, tokens_of_text
from attnviz.text.display import shorten, shown
from attnviz.text.message import Message
from attnviz.trace.ablation import Answer

MOST = 8  # tokens that are named


def answer_token(tokenizer: Any, answer: str) -> Answer:
    """The one token that ``answer`` is: as it stands behind a space, else as it begins a text, else as the vocabulary spells it.

    ChoiceError where it is none of these: it would be so for any text.
    """
    cuts = [tokens_of_text(tokenizer, text, special=False).ids for text in _written(answer)]
    number = next((ids[0] for ids in cuts if len(ids) == 1 and _known(tokenizer, ids[0], answer)), None)
    if number is None:
        number = _piece(tokenizer, answer)
    if number is None:
        raise _none(tokenizer, answer, cuts[-1])
    return Answer(number, told(tokenizer, number))


@tokenizer_errors()
def told(tokenizer: Any, number: int) -> str:
    """The token of this number as a person reads it, with the space before it where it has one."""
    return alone(number, tokenizer, (alone(number, tokenizer, ()),))


def _written(answer: str) -> list[str]:
    """How ``answer`` may stand in a text, the likelier way first."""
    return [answer] if answer[:1].isspace() or not answer else [f" {answer}", answer]


def _known(tokenizer: Any, number: int, answer: str) -> bool:
    """Whether a token stands for ``answer``, and not for whatever the tokenizer does not know."""
    known: bool = number != tokenizer.unk_token_id or answer == tokenizer.unk_token
    return known


@tokenizer_errors()
def _piece(tokenizer: Any, answer: str) -> int | None:
    """The token that the vocabulary spells so: Ġjourney, ▁journey, ##s."""
    number: int | None = tokenizer.get_vocab().get(answer)
    return number


@tokenizer_errors()
def _none(tokenizer: Any, answer: str, ids: tuple[int, ...]) -> ChoiceError:
    word = shorten(shown(answer), 40)
    if len(ids) < 2 or tokenizer.unk_token_id in ids:
        return ChoiceError(
            "the token {word} is not in the vocabulary of this model", "give a token that the model knows", word=word
        )
    pieces = [alone(number, tokenizer, ()) for number in ids[:MOST]]
    more = Message(" …") if len(ids) > MOST else ""
    return ChoiceError(
        "{word} is {count} tokens to this model, not one: {pieces}",
        "give one token, such as the first of them",
        word=word,
        count=len(ids),
        pieces=" · ".join(map(shown, pieces)) + more,
    )
