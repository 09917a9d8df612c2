"""Weights of a tiny model that nobody trained: for whatever holds for any numbers."""

from __future__ import annotations

import numpy

from attnviz.sources.tiny.letters import ROWS
from attnviz.sources.tiny.weights import MATRICES, LayerWeights, Weights
from attnviz.sources.tiny.words import VOCABULARY


def drawn_weights(seed: int = 0, width: int = 12, heads: int = 3, positions: int = 40, far: int = 5) -> Weights:
    draw = numpy.random.default_rng(seed)

    def numbers(*shape: int) -> numpy.ndarray:
        return draw.normal(size=shape).astype("float16").astype("float32")  # as a file holds them

    layers = tuple(
        LayerWeights(**{name: numbers(width, width) / 2 for name in MATRICES}, bias=numbers(heads, far + 1))
        for _ in range(2)
    )
    words = len(VOCABULARY)
    return Weights(
        words=VOCABULARY,
        own=numbers(words, width),
        spelling=numbers(ROWS, width) / 2,
        positions=numbers(positions, width) / 4,
        layers=layers,
        unembedding=numbers(width, words),
        offset=numbers(words),
        facts={"seed": str(seed)},
    )
