"""The weights of texts that a model reads together, handed on layer by layer: for what needs no more of a text than these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from attnviz.attention.arrays import Array
from attnviz.trace.origin import Origin


class WeightsOfTexts(NamedTuple):
    """Those of one layer of several texts, padded behind to the length of the longest.

    title, number  of the layer
    weights        (texts, heads, tokens, tokens)
    visible        whether each query may see each key, whatever its head: (texts or 1, 1, tokens or 1, tokens); the same array for
                   all layers in which that is so
    """

    title: str
    number: int
    weights: Array
    visible: Array


class Weighing(Protocol):
    """What is made of texts that run together, of their weights alone."""

    def take(self, layer: WeightsOfTexts) -> None:
        """The weights of the next layer, which are gone afterwards."""

    def of_text(self, place: int, source: Origin, tokens: Sequence[str]) -> Any:
        """What is made of one of the texts, once all layers have been taken."""


StartWeighing = Callable[[Sequence[Sequence[int]]], Weighing]  # from the ids of the tokens of each text
