"""Toy attention: a text, small embeddings that a person can check by hand, and seeded projections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy

from attnviz.attention.heads import split_heads
from attnviz.attention.memory import require_memory
from attnviz.attention.rule import Rule
from attnviz.choices import DIMENSION, HEAD_DIMENSION, Position, Tokenizer
from attnviz.errors import AttnvizError
from attnviz.sources.toy.positions import alibi_slopes, rotation, sinusoids, with_alibi
from attnviz.sources.toy.vectors import drawn_matrix, drawn_vector, textbook_vector
from attnviz.text.message import Message
from attnviz.text.search import folded
from attnviz.text.tokenizer import tokenize
from attnviz.trace.layer import Layer
from attnviz.trace.origin import Origin
from attnviz.trace.projection import Projection
from attnviz.trace.trace import Trace

SAMPLE = "Your journey starts with one step"

BYTES_A_DRAWN_NUMBER = 40  # as a Python float in a list, and once more in an array


# From tokens to their vectors, (tokens, d): the drawn ones, or a person's own (files/toy_parts.py).
Embedder = Callable[[Sequence[str]], numpy.ndarray]


@dataclass(frozen=True)
class Toy:
    """The choices of toy attention; ``trace()`` applies them to a text.

    heads       attention heads; more than one brings projections along
    dim         numbers in an embedding; None is 3 for one head, 4 for each of several
    seed        of every vector and matrix that is drawn
    project     multiply with W_Q, W_K, W_V and W_O even for one head
    embedder    a person's own vectors instead of the drawn ones
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
            raise AttnvizError("seed is {seed}: it must be below 2⁶³", seed=self.seed)
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
                "{position} and a query offset would count positions differently",
                "leave one of the two out",
                position=self.position.value,
            )
        turning = rotation(query.shape[-1]) if rotary else None
        if turning is not None:
            query, key = turning.turned(query), turning.turned(key)
        if alibi:
            rule = with_alibi(rule, self.heads, len(tokens))
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
            rotation=turning,
            slopes=tuple(alibi_slopes(self.heads)) if alibi else None,
        )
        origin = self._origin(embeddings.shape[-1], bool(projections)).of_text(text)
        return Trace(tuple(tokens), (layer,), origin)

    def _embed(self, tokens: Sequence[str]) -> numpy.ndarray:
        if self.embedder is not None:
            return self.embedder(tokens)
        dim = self._usual_dim() if self.dim is None else self.dim
        if dim < 1:
            raise AttnvizError("dim is {dim}: an embedding needs at least 1 number", dim=dim)
        require_memory(
            len(tokens) * dim * BYTES_A_DRAWN_NUMBER,
            Message("{tokens:,} embeddings of {dim:,} numbers", tokens=len(tokens), dim=dim),
            "give a shorter text or a smaller --dim",
        )
        vector = textbook_vector if dim == 3 else drawn_vector
        return numpy.array([vector(folded(token), dim, self.seed) for token in tokens])  # (tokens, dim)

    def _usual_dim(self) -> int:
        if self.weights is not None:
            return int(self.weights["query"].weight.shape[0])
        of_one = self.heads == 1 and self.position is not Position.ROPE  # which turns pairs of numbers
        return DIMENSION if of_one else HEAD_DIMENSION * self.heads

    def _projections(self, width: int) -> dict[str, Projection]:
        if self.weights is not None:
            return _fitting(self.weights, width, self.heads)
        if width % self.heads:
            raise AttnvizError(
                "{heads} heads cannot share the {width} dimensions of an embedding evenly",
                Message("--dim {heads} would do", heads=self.heads * max(1, round(width / self.heads))),
                heads=self.heads,
                width=width,
            )
        if self.heads == 1 and not self.project:
            return {}
        require_memory(
            4 * width * width * BYTES_A_DRAWN_NUMBER,
            Message("projections of {width:,} × {width:,}", width=width),
            "give fewer heads" if self.dim is None else "give a smaller --dim",
        )
        return {name: Projection(drawn_matrix(name, width, self.seed)) for name in ("query", "key", "value", "output")}

    def _origin(self, dim: int, projected: bool) -> Origin:
        return Origin.of_toy(
            tokenizer=self.tokenizer.value,
            seed=self.seed,
            dim=dim,
            position=self.position.value,
            projected=projected,
            own=self.embedder is not None or self.weights is not None,
        )


def _fitting(weights: Mapping[str, Projection], width: int, heads: int) -> dict[str, Projection]:
    """``weights`` if they fit embeddings of ``width`` numbers and divide into ``heads``."""
    for name in ("query", "key", "value"):
        rows, columns = weights[name].weight.shape
        if rows != width:
            raise AttnvizError(
                "the {name} weights have {rows} rows but an embedding has {width} numbers",
                "--dim {rows} would do",
                name=name,
                rows=rows,
                width=width,
            )
        if name == "query" and columns % heads:
            raise AttnvizError(
                "{heads} heads cannot share the {columns} columns of the query weights evenly",
                heads=heads,
                columns=columns,
            )
    dimension = weights["query"].weight.shape[1] // heads
    key_columns, value_columns = weights["key"].weight.shape[1], weights["value"].weight.shape[1]
    kv_heads = max(key_columns // dimension, 1)
    if key_columns % dimension or heads % kv_heads:
        raise AttnvizError(
            "the key weights have {key_columns} columns: they cannot form heads of {dimension} for {heads} query heads to share",
            key_columns=key_columns,
            dimension=dimension,
            heads=heads,
        )
    if value_columns % kv_heads:
        raise AttnvizError(
            "{kv_heads} key/value heads cannot share the {value_columns} columns of the value weights evenly",
            kv_heads=kv_heads,
            value_columns=value_columns,
        )
    outputs = value_columns // kv_heads * heads
    if "output" in weights and weights["output"].weight.shape[0] != outputs:
        rows = weights["output"].weight.shape[0]
        raise AttnvizError(
            "the output weights have {rows} rows but the heads' outputs, side by side, have {outputs} numbers",
            rows=rows,
            outputs=outputs,
        )
    return dict(weights)
