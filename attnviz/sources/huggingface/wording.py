"""A case's words as a text that a real tokenizer cuts, and which of the tokens each word is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.labels import tokenizer_errors

MARKS = ".,:;!?"  # they follow the word before them without a space, as in any text
LEAD = "the"  # what an answer stands behind when its first token is asked for


class Cut(NamedTuple):
    """A text as a model reads it.

    ids    of its tokens, special ones included
    words  the tokens of each word, none of which is special
    """

    ids: tuple[int, ...]
    words: tuple[range, ...]

    @property
    def question(self) -> int:
        """The last token of the last word."""
        return self.words[-1].stop - 1


def written(words: Sequence[str]) -> tuple[str, list[int]]:
    """``words`` as a text, and where in it each begins."""
    text, starts = "", []
    for word in words:
        text += " " if text and word not in MARKS else ""
        starts.append(len(text))
        text += word
    return text, starts


@tokenizer_errors()
def cut(tokenizer: Any, words: Sequence[str]) -> Cut:
    """``words`` as ``tokenizer`` cuts their text; AttnvizError where a word has no token of its own."""
    text, starts = written(words)
    whole = _by_offsets(tokenizer, text, starts) if tokenizer.is_fast else _by_beginnings(tokenizer, words)
    for word, tokens in zip(words, whole.words, strict=True):
        if not tokens:
            raise AttnvizError(
                "the tokenizer joins {word!r} with the word beside it in {text!r}: no token is this word alone",
                "take a model whose tokens end where words do",
                word=word,
                text=text,
            )
    return whole


def first_token(tokenizer: Any, word: str) -> int | None:
    """The token with which ``word`` begins where it follows another; None where the tokenizer has none for it."""
    whole = cut(tokenizer, (LEAD, word))
    first = whole.ids[whole.words[0].stop]
    return None if first == tokenizer.unk_token_id else first


def _by_offsets(tokenizer: Any, text: str, starts: list[int]) -> Cut:
    """A token is the word's in which its first character lies that is no space: many tokens begin with one."""
    encoded = tokenizer(text, return_offsets_mapping=True, truncation=False, padding=False, verbose=False)
    ends = [*starts[1:], len(text)]
    begins = [
        next((place for place in range(start, end) if not text[place].isspace()), None)
        for start, end in encoded["offset_mapping"]
    ]
    words = []
    for start, end in zip(starts, ends, strict=True):
        own = [token for token, begin in enumerate(begins) if begin is not None and start <= begin < end]
        words.append(range(own[0], own[-1] + 1) if own else range(0))
    return Cut(tuple(encoded["input_ids"]), tuple(words))


def _by_beginnings(tokenizer: Any, words: Sequence[str]) -> Cut:
    """Where no offsets are known: a word ends where the tokens of the text up to it do."""

    def ids(count: int, special: bool = False) -> list[int]:
        encoded = tokenizer(written(words[:count])[0], add_special_tokens=special, verbose=False)
        return list(encoded["input_ids"])

    whole, bare = ids(len(words), special=True), ids(len(words))
    beginnings = [ids(count) for count in range(len(words) + 1)]
    first = next((place for place in range(len(whole)) if whole[place : place + len(bare)] == bare), None)
    if first is None or any(bare[: len(beginning)] != beginning for beginning in beginnings):
        raise AttnvizError(
            "the tokenizer cuts the beginning of {written!r} otherwise than the whole: which token is which word cannot be told",
            "take a model with a fast tokenizer (tokenizer.json)",
            written=written(words)[0],
        )
    ends = [first + len(beginning) for beginning in beginnings]
    return Cut(tuple(whole), tuple(range(start, end) for start, end in pairwise(ends)))
