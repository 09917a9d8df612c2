"""What a model is asked to find out what each head does to its predictions, and how it answers.

analysis/effects.py asks; a model reads its text through the protocols here, whole and without some of its heads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy

from attnviz.attention.arrays import Array
from attnviz.choices import Ablation
from attnviz.trace.asking import Head
from attnviz.trace.origin import Origin

UNKNOWN = -1  # in place of a token that nobody knows


class LayerHeads(NamedTuple):
    """One layer whose heads can be taken away: how a person speaks of it, its stack, its number there, and how many heads."""

    title: str
    stack: str
    number: int
    heads: int


class Answer(NamedTuple):
    """A token of the vocabulary: its number, and as a person reads it."""

    number: int
    label: str


class PredictedText(Protocol):
    """A text that a model has read, and can read again without some of its heads.

    It makes as many predictions as there are places of which it says which token stands there.

    layers   in the order in which they are shown; a head is its layer's place among them, and its own number
    tokens   how many the text has
    targets  the token that each prediction should find, (predictions,); ``UNKNOWN`` where nobody knows
    asked    which prediction is that of the answer; None where there is none
    source   where the text was read, as a trace says it
    """

    layers: Sequence[LayerHeads]
    tokens: int
    targets: numpy.ndarray
    asked: int | None
    source: Origin

    def whole(self) -> Array:
        """The logits with all heads, (predictions, vocabulary)."""

    def without(self, groups: Sequence[Collection[Head]], ablation: Ablation) -> Iterator[Array]:
        """The same without the heads of a group, for one group after the other."""

    def label(self, number: int) -> str:
        """The token of this number, as a person reads it."""


class Predictor(Protocol):
    """A model that predicts tokens, and can do so without some of its heads."""

    def answer(self, token: str) -> Answer:
        """The one token of the vocabulary that a person means; ChoiceError where there is none."""

    def read(
        self,
        text: Any,
        *,
        target: Any = None,
        chat: bool = False,
        pair: str | None = None,
        max_length: int | None = None,
        cut: bool = False,
    ) -> PredictedText:
        """The text, read for the first time, with a ``pair`` behind it; an encoder-decoder's decoder reads ``target``.

        One of more than ``max_length`` tokens, or more than the model reads, is an error or, with ``cut``, is cut.
        """

    def told(self) -> Sequence[str]:
        """What a person should know of how the texts were read so far."""
