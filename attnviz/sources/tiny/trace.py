"""A run of the tiny model as the record that every look takes."""

from __future__ import annotations

import numpy

from attnviz.attention.formula import softmax
from attnviz.choices import TINY
from attnviz.sources.tiny.model import Run, TinyModel, Words
from attnviz.sources.tiny.weights import MATRICES
from attnviz.trace.layer import Layer, Projection
from attnviz.trace.origin import Origin

FIRST = 5  # of the words that may come next


def layers(model: TinyModel, words: Words, run: Run) -> tuple[Layer, ...]:
    """What each layer of a whole run held: inputs, W_Q, W_K, W_V and W_O, Q, K and V, and the rule with its bias by distance.

    The first layer's embeddings and positions are apart. No normalisation stands before the attention of any layer, so a
    layer's inputs times W_Q are its queries, and what all heads of it add is its projected row.
    """
    tokens = len(words.tokens)
    embeddings = model.embed(words)
    positions = model.weights.positions[:tokens]
    made = []
    for number, (weights, one) in enumerate(zip(model.weights.layers, run.layers, strict=True)):
        made.append(
            Layer(
                one.query,
                one.key,
                one.value,
                model.rule(number, tokens, tokens),
                index=number,
                name="tiny",
                embeddings=one.inputs if number else embeddings,
                positions=None if number else positions,
                projections={name: Projection(getattr(weights, name)) for name in MATRICES},
            )
        )
    return tuple(made)


def origin(model: TinyModel) -> Origin:
    """Where a trace of ``model`` comes from."""
    return Origin(
        kind="model", model=TINY, architecture=type(model).__name__, dtype=str(model.weights.own.dtype), device="cpu"
    )


def predictions(model: TinyModel, stream: numpy.ndarray, first: int = FIRST) -> list[list[tuple[str, float]]]:
    """For each position the ``first`` likeliest next words with their probabilities, the likeliest first."""
    logits = model.logits(stream)  # (tokens, words)
    shares = softmax(logits)
    order = numpy.argsort(-logits, axis=-1, kind="stable")[:, :first]
    return [
        [(model.weights.words[word], float(row[word])) for word in likeliest]
        for row, likeliest in zip(shares, order, strict=True)
    ]
