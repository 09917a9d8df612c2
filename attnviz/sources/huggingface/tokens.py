"""A text as a model reads it."""

from __future__ import annotations

from typing import NamedTuple

from attnviz.trace.token_facts import NO_FACTS, TokenFacts


class Tokens(NamedTuple):
    """A text as a model reads it.

    ids      of the vocabulary
    labels   the token of each id as a person reads it
    special  the positions of special tokens ([CLS], </s>, <|endoftext|>), which stand for no text
    facts    what else is known of each
    types    what the tokenizer gives a model as token_type_ids; () where it gives none
    """

    ids: tuple[int, ...]
    labels: tuple[str, ...]
    special: tuple[int, ...]
    facts: TokenFacts = NO_FACTS
    types: tuple[int, ...] = ()
