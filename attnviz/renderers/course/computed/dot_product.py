"""Chapter 1: products, lengths and angles of vectors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy

from attnviz.choices import PRECISION, Step
from attnviz.renderers.course.material import Material
from attnviz.renderers.course.pieces import (
    MOST_WORDS,
    Piece,
    Tell,
    explained,
    focus,
    focused,
    largest,
    shown_words,
    step_array,
    table,
)
from attnviz.renderers.shared.labels import name, named
from attnviz.renderers.shared.numbers import factor, number, vector
from attnviz.trace.layer import Layer

WORKED = (((1, 2), (2, 1)), ((1, 2, 3), (1, 2, 3)), ((1, 2), (2, -1)))


def worked(_: Material, tell: Tell) -> list[Piece]:
    """The textbook's two examples, 4 and 14, and two vectors at a right angle."""
    pairs = [(numpy.array(a, float), numpy.array(b, float)) for a, b in WORKED]
    rows = [f"{vector(a, PRECISION)} · {vector(b, PRECISION)}" for a, b in pairs]
    cells = [(products(a, b), number(float(a @ b), PRECISION), angle(a, b)) for a, b in pairs]
    return [table(tell("vectors"), rows, (tell("products"), tell("dot"), tell("angle")), cells)]


def vectors(material: Material, _: Tell) -> list[Piece]:
    """The vector of each word of the sentence."""
    return [*explained(material, material.toy(), Step.EMBEDDINGS).matrices]


def question(material: Material, tell: Tell) -> list[Piece]:
    return [tell("ask", query=focused(material.toy()))]


def against(material: Material, tell: Tell) -> list[Piece]:
    """One word's vector against each: the products, their sum and the angle."""
    trace = material.toy()
    scores, own = step_array(trace, "scores")[focus(trace)], focus(trace)
    vectors, names = _vectors(trace.layers[0]), named(trace.tokens)
    places = shown_words(trace)
    cells = [
        (products(vectors[own], vectors[place]), number(scores[place], PRECISION), angle(vectors[own], vectors[place]))
        for place in places
    ]
    columns = (tell("products"), tell("dot"), tell("angle"))
    return [
        table(tell("word"), [names[place].plain for place in places], columns, cells),
        tell("most", score=number(scores.max(), PRECISION), keys=largest(scores, names)),
        *_alike(trace.tokens, vectors, tell),
        tell("itself"),
    ]


def _alike(tokens: Sequence[str], vectors: numpy.ndarray, tell: Tell) -> Iterator[str]:
    """Which words are different and have the same vector all the same, a sentence for each such vector."""
    sharing: dict[tuple[float, ...], dict[str, str]] = {}
    for token, vector_of in zip(tokens, vectors.tolist(), strict=True):
        sharing.setdefault(tuple(vector_of), {})[token] = f"`{name(token)}`"
    for numbers, words in sharing.items():
        if len(words) > 1:
            listed = ", ".join([*words.values()][:MOST_WORDS])
            yield tell("same", words=listed, vector=vector(numpy.array(numbers), PRECISION))


def products(a: Sequence[float] | numpy.ndarray, b: Sequence[float] | numpy.ndarray) -> str:
    """The products of two vectors' numbers as on paper: 1×2 + 2×(-1)."""
    return " + ".join(f"{factor(x, PRECISION)}×{factor(y, PRECISION)}" for x, y in zip(a, b, strict=True))


def angle(a: numpy.ndarray, b: numpy.ndarray) -> str:
    """The angle between two vectors in degrees; "–" where one of them has no direction."""
    lengths = float(numpy.linalg.norm(a) * numpy.linalg.norm(b))
    if not lengths:
        return "–"
    return f"{math.degrees(math.acos(min(max(float(a @ b) / lengths, -1.0), 1.0))):.1f}°"


def _vectors(layer: Layer) -> numpy.ndarray:
    return numpy.asarray(layer.embeddings)
