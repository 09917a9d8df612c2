"""What a model thinks will come next: the likeliest tokens after each position, from the logits of the very run."""

from __future__ import annotations

from typing import Any

import torch

from attnviz.sources.huggingface.labels import alone
from attnviz.trace.generation import Predictions

MOST = 1 << 24  # logits of a prompt that are kept together, 64 MiB; of a longer one only the last position's


class Likeliest:
    """The ``count`` likeliest tokens after each position, with the probability that the model itself gives them.

    That is before temperature, top-k and top-p, and before whatever else the model's settings do to its scores.
    """

    def __init__(self, count: int, tokenizer: Any) -> None:
        self._count, self._tokenizer = count, tokenizer
        self._found: dict[int, list[tuple[int, float]]] = {}  # of each position the ids and their probabilities
        self._labels: dict[int, str] = {}
        self._last = torch.zeros(0)  # the probability of every token after the last position

    def take(self, logits: torch.Tensor, end: int) -> None:
        """What ``logits``, (positions, vocabulary), say of as many positions before ``end``."""
        kept = logits if logits.numel() <= MOST else logits[-1:]
        probabilities = torch.softmax(kept.float(), dim=-1)
        values, ids = (side.tolist() for side in probabilities.topk(min(self._count, kept.shape[-1]), dim=-1))
        for place, pairs in enumerate(zip(ids, values, strict=True), start=end - len(ids)):
            self._found[place] = list(zip(*pairs, strict=True))
        self._last = probabilities[-1]

    def probability(self, chosen: int) -> float:
        """The probability of one token after the last position."""
        return float(self._last[chosen])

    def name(self, number: int, label: str) -> None:
        """Let a token that stands in the text have the label that it has there."""
        self._labels.setdefault(number, label)

    def after(self, position: int) -> Predictions:
        """The likeliest tokens after one position; () where they are not known."""
        return tuple((self._label(number), value) for number, value in self._found.get(position, ()))

    def _label(self, number: int) -> str:
        if number not in self._labels:
            self._labels[number] = alone(number, self._tokenizer, self._labels.values())
        return self._labels[number]
