"""Toy attention: a text, small embeddings that a person can check by hand, and seeded projections."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy

from attnviz.attention.heads import split_heads
from attnviz.attention.memory import require_memory
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import spread
from attnviz.choices import Position, Tokenizer
from attnviz.errors import AttnvizError
from attnviz.text.display import shorten, shown
from attnviz.text.search import folded
from attnviz.text.tokenizer import tokenize
from attnviz.trace.layer import Layer, Projection
from attnviz.trace.trace import Trace

SAMPLE = "Your journey starts with one step"

# The three-dimensional vectors of the textbook's worked example.
TEXTBOOK = {"your": (0.4, 0.1, 0.8), "journey": (0.5, 0.8, 0.6), "starts": (0.5, 0.8, 0.6)}

BYTES_A_DRAWN_NUMBER = 40  # as a Python float in a list, and once more in an array
HEAD_DIMENSION = 4  # of several heads, unless --dim says otherwise: small enough to read


# From tokens to their vectors, (tokens, d): the drawn ones, or a person's own (sources/files.py).
Embedder = Callable[[Sequence[str]], numpy.ndarray]


@dataclass(frozen=True)
class Toy:
    """The choices of toy attention; ``trace()`` applies them to a text.

    heads       attention heads; more than one brings projections along
    dim         numbers in an embedding; None is 3 for one head, 4 for each of several
    seed        of every vector and matrix that is drawn
    project     multiply with W_Q, W_K, W_V and W_O even for one head
    embedder    a person's own vectors in place of the drawn ones
    weights     a person's own projections, by "query", "key", "value" and "output"
    """

    heads: int = 1
    dim: int | None = None
    tokenizer: Tokenizer = Tokenizer.WORD
    seed: int = 0
    project: bool = False
    position: Position = Position.NONE
    embedder: Embedder | None = None
    weights: Mapping[str, Projection] | None = None

    def trace(self, text: str, rule: Rule | None = None) -> Trace:
        """The attention of ``text`` to itself, one layer."""
        if abs(self.seed) >= 2**63:
            raise AttnvizError(f"seed is {self.seed}: it must be below 2⁶³")
        tokens = tokenize(text, self.tokenizer)
        embeddings = self._embed(tokens)
        positions = sinusoids(*embeddings.shape) if self.position is Position.SINUSOIDAL else None
        inputs = embeddings if positions is None else embeddings + positions
        projections = self._projections(inputs.shape[-1])
        query, key, value = (
            projections[name](inputs) if name in projections else inputs for name in ("query", "key", "value")
        )
        query = split_heads(query, self.heads)
        kv_heads = max(key.shape[-1] // query.shape[-1], 1)  # fewer columns than W_Q: grouped heads
        key, value = split_heads(key, kv_heads), split_heads(value, kv_heads)
        rule = rule or Rule()
        rotary, alibi = self.position is Position.ROPE, self.position is Position.ALIBI
        if (rotary or alibi) and rule.query_offset:
            raise AttnvizError(
                f"{self.position.value} and a query offset would count positions differently",
                "leave one of the two out",
            )
        if rotary:
            query, key = rotate(query), rotate(key)
        if alibi:
            rule = _with_alibi(rule, self.heads, len(tokens))
        layer = Layer(
            query,
            key,
            value,
            rule,
            name="toy",
            embeddings=embeddings,
            positions=positions,
            projections=projections,
            rotary=rotary,
            slopes=tuple(alibi_slopes(self.heads)) if alibi else None,
        )
        return Trace(tuple(tokens), (layer,), self._source(embeddings.shape[-1], bool(projections)))

    def _embed(self, tokens: Sequence[str]) -> numpy.ndarray:
        if self.embedder is not None:
            return self.embedder(tokens)
        dim = self._usual_dim() if self.dim is None else self.dim
        if dim < 1:
            raise AttnvizError(f"dim is {dim}: an embedding needs at least 1 number")
        require_memory(
            len(tokens) * dim * BYTES_A_DRAWN_NUMBER,
            f"{len(tokens):,} embeddings of {dim:,} numbers",
            "give a shorter text or a smaller --dim",
        )
        vector = _textbook_vector if dim == 3 else _drawn_vector
        return numpy.array([vector(folded(token), dim, self.seed) for token in tokens])  # (tokens, dim)

    def _usual_dim(self) -> int:
        if self.weights is not None:
            return int(self.weights["query"].weight.shape[0])
        return (
            3 if self.heads == 1 and self.position is not Position.ROPE else HEAD_DIMENSION * self.heads
        )  # rope: pairs

    def _projections(self, width: int) -> dict[str, Projection]:
        if self.weights is not None:
            return _fitting(self.weights, width, self.heads)
        if width % self.heads:
            raise AttnvizError(
                f"{self.heads} heads do not divide the {width} dimensions of an embedding",
                f"--dim {self.heads * max(1, round(width / self.heads))} would do",
            )
        if self.heads == 1 and not self.project:
            return {}
        require_memory(
            4 * width * width * BYTES_A_DRAWN_NUMBER, f"projections of {width:,} × {width:,}", "give a smaller --dim"
        )
        return {name: Projection(drawn_matrix(name, width, self.seed)) for name in ("query", "key", "value", "output")}

    def _source(self, dim: int, projected: bool) -> dict[str, Any]:
        return {
            "kind": "toy",
            "tokenizer": self.tokenizer.value,
            "seed": self.seed,
            "dim": dim,
            "position": self.position.value,
            "projected": projected,
        }


def trace_text(
    text: str,
    heads: int = 1,
    causal: bool = False,
    *,
    dim: int | None = None,
    tokenizer: str = "word",
    seed: int = 0,
    project: bool = False,
    position: str = "none",
    scale: float | None = None,
    window: int | None = None,
    softcap: float | None = None,
) -> Trace:
    """Toy attention of ``text`` to itself: what ``attnviz explain`` shows.

    The default, one head without projections (Q = K = V = X), is the textbook's simple self-attention.
    AttnvizError when the text is empty or the heads do not divide the dimensions.
    """
    if heads < 1:
        raise AttnvizError(f"{heads} heads: there must be at least 1")
    for word, kind in ((tokenizer, Tokenizer), (position, Position)):
        if word not in list(kind):
            raise AttnvizError(f"{word!r} is not one of {', '.join(kind)}")
    toy = Toy(heads, dim, Tokenizer(tokenizer), seed, project, Position(position))
    return toy.trace(text, Rule(scale=scale, causal=causal, window=window, softcap=softcap))


def drawn_matrix(name: str, width: int, seed: int) -> numpy.ndarray:
    """A seeded projection, (width, width), of variance 1/width, so that what it yields has variance 1."""
    numbers = _normals(f"{seed} W {name} {width}", width * width)
    return numpy.round(numpy.reshape(numbers, (width, width)) / math.sqrt(width), 2) + 0.0  # + 0.0: no −0.0


def sinusoids(tokens: int, width: int) -> numpy.ndarray:
    """Sine and cosine of each position at falling frequencies, (tokens, width): Vaswani et al. 2017, section 3.5."""
    pairs = numpy.arange(0, width, 2)
    angles = numpy.arange(tokens)[:, None] / 10000 ** (pairs / width)  # (tokens, pairs)
    return numpy.stack([numpy.sin(angles), numpy.cos(angles)], axis=-1).reshape(tokens, -1)[:, :width]


def rotate(array: numpy.ndarray) -> numpy.ndarray:
    """Rotary embedding of (heads, tokens, d), d even: each pair (2i, 2i + 1) turned by position · 10000^(−2i/d).

    Su et al. 2021, "RoFormer" (2104.09864), equation 34.
    """
    _, tokens, width = array.shape
    if width % 2:
        raise AttnvizError(
            f"rope turns pairs of dimensions, but a head has {width}", "choose an even --dim for each head"
        )
    angles = numpy.arange(tokens)[:, None] / 10000 ** (numpy.arange(0, width, 2) / width)  # (tokens, pairs)
    cosine, sine = numpy.cos(angles), numpy.sin(angles)
    even, odd = array[..., 0::2], array[..., 1::2]  # (heads, tokens, pairs)
    turned = [even * cosine - odd * sine, even * sine + odd * cosine]
    return numpy.stack(turned, axis=-1).reshape(array.shape)


def alibi_slopes(heads: int) -> numpy.ndarray:
    """One slope a head, 2^(−8/n), 2^(−16/n), …: Press et al. 2021, "Train Short, Test Long" (2108.12409)."""
    return 2.0 ** (-8 * numpy.arange(1, heads + 1) / heads)


def _with_alibi(rule: Rule, heads: int, tokens: int) -> Rule:
    """``rule`` with a penalty of slope × distance as its bias, (heads, tokens, tokens)."""
    distances = numpy.abs(numpy.arange(1 - tokens, tokens))
    penalty = spread(-alibi_slopes(heads)[:, None] * distances, tokens)  # (heads, tokens, tokens)
    return replace(rule, bias=penalty if rule.bias is None else rule.bias + penalty)


def _textbook_vector(token: str, dim: int, seed: int) -> Sequence[float]:
    return TEXTBOOK.get(token) or _drawn_vector(token, dim, seed)


@lru_cache(maxsize=16384)
def _drawn_vector(token: str, dim: int, seed: int) -> Sequence[float]:
    """Variance 1, rounded to one decimal, so that a person can check the arithmetic by hand."""
    return [round(number, 1) + 0.0 for number in _normals(f"{seed} {token}", dim)]


def _normals(seed: str, count: int) -> list[float]:
    """``count`` standard normal numbers, the same on every machine and in every version of Python.

    Python promises that sequence only for ``random()`` seeded with a string, so the normals are made of it here
    (Box and Muller 1958). NumPy's generators promise less, and take longer to import.
    """
    draw = random.Random(seed).random
    numbers: list[float] = []
    while len(numbers) < count:
        radius, angle = math.sqrt(-2 * math.log(1 - draw())), 2 * math.pi * draw()
        numbers += [radius * math.cos(angle), radius * math.sin(angle)]
    return numbers[:count]


def _fitting(weights: Mapping[str, Projection], width: int, heads: int) -> dict[str, Projection]:
    """``weights`` if they fit embeddings of ``width`` numbers and divide into ``heads``."""
    for name in ("query", "key", "value"):
        rows, columns = weights[name].weight.shape
        if rows != width:
            raise AttnvizError(
                f"the {name} weights have {rows} rows but an embedding has {width} numbers", f"--dim {rows} would do"
            )
        if name == "query" and columns % heads:
            raise AttnvizError(f"{heads} heads do not divide the {columns} columns of the query weights")
    dimension = weights["query"].weight.shape[1] // heads
    key_columns, value_columns = weights["key"].weight.shape[1], weights["value"].weight.shape[1]
    kv_heads = max(key_columns // dimension, 1)
    if key_columns % dimension or heads % kv_heads:
        raise AttnvizError(
            f"the key weights have {key_columns} columns: they do not make heads of {dimension} that serve {heads} query heads"
        )
    if value_columns % kv_heads:
        raise AttnvizError(f"{kv_heads} key/value heads do not divide the {value_columns} columns of the value weights")
    outputs = value_columns // kv_heads * heads
    if "output" in weights and weights["output"].weight.shape[0] != outputs:
        rows = weights["output"].weight.shape[0]
        raise AttnvizError(
            f"the output weights have {rows} rows but the heads' outputs, side by side, have {outputs} numbers"
        )
    return dict(weights)


def token_list(tokens: Sequence[str]) -> str:
    """Tokens as an error names them."""
    return ", ".join(shorten(shown(token), 20) for token in tokens[:8]) + (", …" if len(tokens) > 8 else "")
