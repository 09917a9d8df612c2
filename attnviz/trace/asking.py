"""What a model is asked to find out which heads have which role, and how it answers.

A role is a question that a text asks of the words before it: which word was the last, who is a verb's subject, whom does
a pronoun mean, what followed the same word before. analysis/roles.py asks the questions; a model answers them through
the protocols here; roles.py holds what comes of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy

from attnviz.attention.arrays import Array

ROLES = ("position", "syntax", "meaning", "copying")

Head = tuple[int, int]  # layer and head


@dataclass(frozen=True)
class Case:
    """A text that ends where the next word is asked for.

    role          whose question it is: one of ``ROLES``
    tokens        the text up to the question, which is at its last token
    answer        the next word; a made-up one where nothing in the vocabulary is right
    true          the position of the word that decides it
    pair          the same text with another word there: the minimal pair
    other_answer  the next word then
    hard          whether a rival stands in the text that would mislead, so that chance is 50 % or less
    """

    role: str
    tokens: tuple[str, ...]
    answer: str
    true: int
    pair: tuple[str, ...]
    other_answer: str
    hard: bool

    def swapped(self) -> Case:
        """The minimal pair as the case."""
        return Case(self.role, self.pair, self.other_answer, self.true, self.tokens, self.answer, self.hard)


class Questions(NamedTuple):
    """The cases of each role, and one sentence of each that is shown."""

    cases: Mapping[str, Sequence[Case]]
    examples: Mapping[str, Case]
    seed: int


class Asked(Protocol):
    """A model that has read some cases. What it says of single heads is computed when it is asked."""

    def counted(self) -> numpy.ndarray:
        """Whether a case counts where answers are: a hard one, whose two answers the model can say, (cases,)."""

    def looks(self) -> numpy.ndarray:
        """Whether a head's largest weight at the question is on the true word, (layers, heads, cases)."""

    def distances(self) -> numpy.ndarray:
        """How many tokens before the question the true word ends and begins, (cases, 2): twice the same where it is one."""

    def word_before(self) -> numpy.ndarray:
        """At how many tokens a head's largest weight is on the one just before, (layers, heads)."""

    def queries(self) -> int:
        """How many tokens have one before them."""

    def right(self) -> numpy.ndarray:
        """Whether the model answers right, (cases,)."""

    def outputs(self) -> tuple[numpy.ndarray, int]:
        """The sums of each head's outputs before W_O over all tokens, (layers, heads, d_v), and how many tokens."""

    def candidates(self, means: Array) -> Sequence[Head]:
        """The heads worth taking away one by one: all of a small model, of a large one those that ``means`` promise most of."""

    def ablated(self, means: Array, heads: Sequence[Head]) -> numpy.ndarray:
        """``right`` where one head's output is its mean everywhere, for each of ``heads``, (heads, cases)."""

    def flipped(self, heads: Sequence[Head]) -> numpy.ndarray:
        """Whether the answer becomes the minimal pair's where one head's output at the question is that pair's, (heads, cases).
        An answer that is the pair's already becomes nothing."""

    def rows(self, head: Head) -> list[numpy.ndarray]:
        """A head's weights at each question, one for each of the case's words."""


class Answering(Protocol):
    """A model that can be asked.

    name      as a person calls it
    shape     layers, and heads in each
    predicts  whether it says which word comes next; an encoder does not, and then only where its heads look is known
    """

    name: str
    shape: tuple[int, int]
    predicts: bool

    def ask(self, cases: Sequence[Case]) -> Asked:
        """The model, after it read ``cases``."""
