"""The tiny model in torch, for training alone, and the prices that part its heads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from attnviz.sources.tiny.letters import ROWS

HIDDEN = (
    -1e4
)  # of a key after the query: its weight is exactly 0, and its share of the entropy too; −∞ would make it NaN
PRICED = 4  # one window of so many is enough to know the entropy
BIAS_GAIN = 8.0  # the bias by distance is learned in these steps, so that it moves as fast as the matrices do


@dataclass(frozen=True)
class Shape:
    """How large the model is. ``far`` is the distance from which on all keys share one bias."""

    words: int
    width: int = 96
    heads: int = 4
    layers: int = 2
    positions: int = 256
    far: int = 32


class Heads(nn.Module):
    """The heads of one layer: parameters alone, the steps are in ``Network``."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.query, self.key, self.value, self.output = (
            nn.Parameter(torch.randn(width, width) / math.sqrt(width)) for _ in range(4)
        )
        self.bias = nn.Parameter(torch.zeros(shape.heads, shape.far + 1))


@dataclass
class Watched:
    """What one layer's heads did: norms of what they added to the text, and the entropy of their weights.

    norms        (batch, heads, tokens)
    entropy      (some of the batch, heads, tokens)
    second_hand  (batch, heads, tokens): the norms of that part which the heads before had written, not the words
    """

    norms: Tensor
    entropy: Tensor
    second_hand: Tensor


class Network(nn.Module):
    """A decoder of attention layers alone: no normalisation and no feed-forward part, so that logits are sums."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.own = nn.Parameter(torch.randn(shape.words, width) * 0.3)
        self.spelling = nn.Parameter(torch.randn(ROWS, width) * 0.12)
        self.positions = nn.Parameter(torch.zeros(shape.positions, width))
        self.layers = nn.ModuleList(Heads(shape) for _ in range(shape.layers))
        self.unembedding = nn.Parameter(torch.randn(width, shape.words) / math.sqrt(width))
        self.offset = nn.Parameter(torch.zeros(shape.words))

    def forward(
        self,
        vectors: Tensor,
        first: Tensor,
        heard: Sequence[Tensor] | None = None,
        first_hand: Tensor | None = None,
    ) -> tuple[Tensor, list[Watched]]:
        """(batch, tokens, width), and the position of each text's first token, (batch,) → logits, (batch, tokens, words).

        ``heard`` says of each layer which heads are heard at each token, (batch, heads, tokens); None is all of them.
        ``first_hand`` says of each text, (batch,), whether heads pass on nothing of what heads before them had written.
        """
        tokens = vectors.shape[1]
        rows = first[:, None] + torch.arange(tokens)
        stream = vectors + self.positions[rows]
        distance = torch.arange(tokens)[:, None] - torch.arange(tokens)
        hidden = distance < 0
        distance = distance.clamp(0, self.shape.far)
        watched = []
        written = torch.zeros_like(stream)  # by the heads so far
        for number, layer in enumerate(self.layers):
            which = None if heard is None else heard[number]
            added, seen = self._attend(layer, stream, written, distance, hidden, which, first_hand)
            stream = stream + added
            written = written + added
            watched.append(seen)
        return stream @ self.unembedding + self.offset, watched

    def vectors(self, ids: Tensor, spelled: Tensor) -> Tensor:
        """(n,) ids, −1 where unknown, and their rows of the spelling table, (n, 6) → (n, width)."""
        known = torch.cat([self.own, self.own.new_zeros(1, self.shape.width)])  # −1 is the last row
        return known[ids] + self.spelling[spelled].sum(1)

    def _attend(
        self,
        layer: Any,
        stream: Tensor,
        written: Tensor,
        distance: Tensor,
        hidden: Tensor,
        heard: Tensor | None,
        first_hand: Tensor | None,
    ) -> tuple[Tensor, Watched]:
        batch, tokens, width = stream.shape
        heads = self.shape.heads
        query, key, value = (
            (stream @ matrix).view(batch, tokens, heads, width // heads).transpose(1, 2)
            for matrix in (layer.query / math.sqrt(width // heads), layer.key, layer.value)
        )
        bias = BIAS_GAIN * layer.bias.index_select(1, distance.flatten()).view(heads, tokens, tokens)
        scores = query @ key.transpose(2, 3) + bias.masked_fill(hidden, HIDDEN)
        weights = torch.softmax(scores, dim=-1)
        some = slice(0, max(1, batch // PRICED))
        entropy = -(weights[some] * torch.log_softmax(scores[some], dim=-1)).sum(-1)
        result = weights @ value  # (batch, heads, tokens, d_v)
        by_head = layer.output.view(heads, width // heads, width)
        gram = by_head @ by_head.transpose(1, 2)  # |o W_O|² = o (W_O W_Oᵀ) oᵀ

        def norms(of: Tensor) -> Tensor:
            squares: Tensor = (of @ gram * of).sum(-1)
            return (squares + 1e-6).sqrt()

        second = weights @ (written @ layer.value).view(batch, tokens, heads, width // heads).transpose(1, 2)
        watched = Watched(norms(result), entropy, norms(second))
        if first_hand is not None:
            result = result - second * first_hand[:, None, None, None]
        if heard is not None:
            result = result * heard[..., None]
        return result.transpose(1, 2).reshape(batch, tokens, width) @ layer.output, watched
