"""The tiny model's run, in NumPy alone: from words to what comes next, with every head's work on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy

from attnviz.attention.formula import attend
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import spread
from attnviz.choices import TINY
from attnviz.errors import AttnvizError
from attnviz.sources.tiny.letters import spelling
from attnviz.sources.tiny.weights import LayerWeights, Weights, shipped_weights
from attnviz.text.tokenizer import tokenize

UNKNOWN = -1


class Words(NamedTuple):
    """A text as the model reads it.

    tokens  as they are written
    ids     their places in the vocabulary, −1 where the model knows a word by its letters alone
    """

    tokens: tuple[str, ...]
    ids: tuple[int, ...]

    @property
    def spelled(self) -> int:
        """How many tokens are known by their letters alone."""
        return self.ids.count(UNKNOWN)


@dataclass
class Cache:
    """The keys and values of the tokens that were read, one array a layer, (…, heads, tokens, d)."""

    keys: list[numpy.ndarray] = field(default_factory=list)
    values: list[numpy.ndarray] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """How many tokens were read."""
        return self.keys[0].shape[-2] if self.keys else 0

    def extend(self, layer: int, key: numpy.ndarray, value: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
        """Keep the new tokens' keys and values, and return those of all tokens."""
        if layer == len(self.keys):
            self.keys.append(key)
            self.values.append(value)
        else:
            self.keys[layer] = numpy.concatenate([self.keys[layer], key], axis=-2)
            self.values[layer] = numpy.concatenate([self.values[layer], value], axis=-2)
        return self.keys[layer], self.values[layer]


class Replaced(NamedTuple):
    """What a head's output is replaced with, before W_O.

    output  (d_v,), or (texts, 1 or tokens, d_v)
    at      (texts, tokens): where, True or False; None is everywhere
    """

    output: numpy.ndarray
    at: numpy.ndarray | None = None


Replacements = Mapping[tuple[int, int], Replaced]  # by layer and head


class LayerRun(NamedTuple):
    """What one layer computed.

    inputs             (…, tokens, width): what W_Q, W_K and W_V multiplied
    query, key, value  (…, heads, tokens, d); with a cache, key and value of all tokens so far
    weights            (…, heads, tokens, keys)
    output             (…, heads, tokens, d_v): before W_O, replaced where that was asked for
    """

    inputs: numpy.ndarray
    query: numpy.ndarray
    key: numpy.ndarray
    value: numpy.ndarray
    weights: numpy.ndarray
    output: numpy.ndarray


class Run(NamedTuple):
    """A run: the text after the last layer, (…, tokens, width), and what each layer computed."""

    stream: numpy.ndarray
    layers: tuple[LayerRun, ...]


class TinyModel:
    """A decoder of attention layers alone, as sources/tiny/network.py trains it."""

    def __init__(self, weights: Weights, name: str = "") -> None:
        self.weights, self.name = weights, name
        self.ids = {word: number for number, word in enumerate(weights.words)}

    @classmethod
    def load(cls, dtype: str = "float64") -> TinyModel:
        """The model in the package; float32 is faster where thousands of texts are run at once."""
        return cls(shipped_weights().astype(dtype), TINY)

    @property
    def heads(self) -> int:
        """Heads in each layer."""
        return int(self.weights.layers[0].bias.shape[0])

    @property
    def positions(self) -> int:
        """How many tokens a text may have."""
        return len(self.weights.positions)

    def encode(self, text: str) -> Words:
        """``text`` cut into words and marks; AttnvizError when it holds none, or more than the model can read."""
        return self.words(tokenize(text))

    def words(self, tokens: Sequence[str]) -> Words:
        """``tokens`` with their ids, upper and lower case alike."""
        if len(tokens) > self.positions:
            raise AttnvizError(
                "the text has {tokens:,} tokens but the tiny model has {positions} positions",
                "give a shorter text",
                tokens=len(tokens),
                positions=self.positions,
            )
        return Words(tuple(tokens), tuple(self.ids.get(token.casefold(), UNKNOWN) for token in tokens))

    def embed(self, words: Words) -> numpy.ndarray:
        """A vector for each token, its own where it is known plus those of its letters, (tokens, width)."""
        rows = numpy.array([spelling(token) for token in words.tokens]).reshape(len(words.tokens), -1)
        vectors: numpy.ndarray = self.weights.spelling[rows].sum(axis=1)
        ids = numpy.array(words.ids, int)
        vectors[ids >= 0] += self.weights.own[ids[ids >= 0]]
        return vectors

    def run(self, embeddings: numpy.ndarray, cache: Cache | None = None, replaced: Replacements | None = None) -> Run:
        """Read (tokens, width) or (texts, tokens, width), behind what ``cache`` holds, which is extended.

        ``replaced`` puts other outputs in place of heads' own: a mean (ablation), or those of another text (patching).
        """
        before = cache.tokens if cache else 0
        if before + embeddings.shape[-2] > self.positions:
            raise AttnvizError(
                "the tiny model has {positions} positions, and they are full",
                "give a shorter text",
                positions=self.positions,
            )
        stream = embeddings + self.weights.positions[before : before + embeddings.shape[-2]]
        return self.run_from(0, stream, cache, replaced)

    def run_from(
        self, first: int, stream: numpy.ndarray, cache: Cache | None = None, replaced: Replacements | None = None
    ) -> Run:
        """The layers from ``first`` on alone, which read ``stream``, (…, tokens, width)."""
        layers = []
        for number, weights in enumerate(self.weights.layers[first:], start=first):
            layer = self._read(number, weights, stream, cache, replaced or {})
            stream = stream + joined(layer.output) @ weights.output
            layers.append(layer)
        return Run(stream, tuple(layers))

    def logits(self, stream: numpy.ndarray) -> numpy.ndarray:
        """(…, width) → (…, words)"""
        logits: numpy.ndarray = stream @ self.weights.unembedding + self.weights.offset
        return logits

    def rule(self, layer: int, queries: int, keys: int) -> Rule:
        """What turns scores into weights where the ``queries`` are the last of ``keys`` tokens."""
        bias = self.weights.layers[layer].bias  # (heads, far + 1)
        distance = numpy.arange(keys - 1, -queries, -1)
        return Rule(
            causal=True, query_offset=keys - queries, bias=spread(bias[:, distance.clip(0, bias.shape[1] - 1)], queries)
        )

    def _read(
        self, number: int, weights: LayerWeights, stream: numpy.ndarray, cache: Cache | None, replaced: Replacements
    ) -> LayerRun:
        query, key, value = (
            parted(stream @ matrix, self.heads) for matrix in (weights.query, weights.key, weights.value)
        )
        if cache is not None:
            key, value = cache.extend(number, key, value)
        rule = self.rule(number, query.shape[-2], key.shape[-2])
        steps = attend(query, key, value, **vars(rule))
        output = steps.output
        for (layer, head), other in replaced.items():
            if layer == number:
                own = output[..., head, :, :]
                output[..., head, :, :] = (
                    other.output if other.at is None else numpy.where(other.at[..., None], other.output, own)
                )
        return LayerRun(stream, query, key, value, steps.weights, output)


def parted(array: numpy.ndarray, heads: int) -> numpy.ndarray:
    """(…, tokens, heads · d) → (…, heads, tokens, d)"""
    *others, tokens, width = array.shape
    return numpy.moveaxis(array.reshape(*others, tokens, heads, width // heads), -2, -3)


def joined(array: numpy.ndarray) -> numpy.ndarray:
    """(…, heads, tokens, d) → (…, tokens, heads · d)"""
    *others, heads, tokens, width = array.shape
    return numpy.moveaxis(array, -3, -2).reshape(*others, tokens, heads * width)
