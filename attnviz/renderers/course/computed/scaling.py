"""Chapter 2: what the length of the vectors does to scores and weights, and what the scale does about it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy

from attnviz.analysis.measure import head_metrics
from attnviz.analysis.metrics import Metric
from attnviz.attention.rule import Rule
from attnviz.choices import PRECISION
from attnviz.renderers.course.material import Material
from attnviz.renderers.course.pieces import Piece, Tell, focus, focused, shown_words, step_array, table
from attnviz.renderers.shared.labels import named
from attnviz.renderers.shared.numbers import FEW, brief_percent, matrix, number
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace, numbered

DIMENSIONS = (3, 64, 512)
QUERIES, KEYS = 400, 8
SEED = 0


class Drawn(NamedTuple):
    """What was measured of queries and keys that were drawn at random.

    spread   the standard deviation of the scores, as softmax gets them
    entropy  of a query's weights in bits, the mean
    largest  a query's largest weight, the mean
    """

    dimension: int
    scaled: bool
    spread: float
    entropy: float
    largest: float


def drawn(_: Material, tell: Tell) -> list[Piece]:
    return [tell("set", count=QUERIES, keys=KEYS)]


def spread(_: Material, tell: Tell) -> list[Piece]:
    """The spread of the scores and the entropy of the weights at each length, unscaled and scaled."""
    found = _drawn()
    rows = [tell("scaled" if one.scaled else "plain", dimension=one.dimension) for one in found]
    cells = [(_brief(one.spread), _brief(one.entropy)) for one in found]
    return [
        table(tell("vectors"), rows, (tell("spread"), tell("entropy")), cells),
        tell("note", most=number(math.log2(KEYS), FEW), keys=KEYS),
    ]


def sentence(material: Material, tell: Tell) -> list[Piece]:
    """The scores of one word before and after the scale."""
    trace = material.toy()
    places, dimension = shown_words(trace), trace.layers[0].query.shape[-1]
    rows = [step_array(trace, name)[focus(trace), places] for name in ("scores", "scaled")]
    return [
        tell("caption", query=focused(trace), dimension=dimension),
        table(
            tell("word"),
            [named(trace.tokens)[place].plain for place in places],
            (tell("score"), tell("scaled", dimension=dimension)),
            matrix(numpy.stack(rows, axis=-1), PRECISION),
        ),
    ]


def question(_: Material, tell: Tell) -> list[Piece]:
    return [tell("ask", dimension=DIMENSIONS[-1], even=f"{100 / KEYS:g} %")]


def largest(_: Material, tell: Tell) -> list[Piece]:
    """The largest weight of a query, on average."""
    found = _drawn()
    pairs = list(zip(found[::2], found[1::2], strict=True))
    cells = [[brief_percent(one.largest) for one in pair] for pair in pairs]
    last = dict(zip(("without", "scaled"), cells[-1], strict=True))
    return [
        table(tell("vectors"), [f"d = {one.dimension}" for one, _ in pairs], (tell("without"), tell("scaled")), cells),
        tell("most", dimension=DIMENSIONS[-1], **last),
    ]


@cache
def _drawn() -> tuple[Drawn, ...]:
    return tuple(_draws())


def _draws() -> Iterator[Drawn]:
    """Each length unscaled, then scaled. Each query is a head of its own, so that it meets keys of its own."""
    draw = numpy.random.default_rng(SEED)
    tokens, keys = numbered(1), numbered(KEYS, "k")
    for dimension in DIMENSIONS:
        query, key = (draw.standard_normal((QUERIES, count, dimension)) for count in (1, KEYS))
        for scale in (1.0, None):
            layer = Layer(query, key, key, Rule(scale=scale), key_tokens=keys)
            metrics = head_metrics(Trace(tokens, (layer,)), layer, only=(Metric.ENTROPY, Metric.LARGEST))
            means = [float(metrics[metric].mean()) for metric in (Metric.ENTROPY, Metric.LARGEST)]
            yield Drawn(dimension, scale is None, float(numpy.std(layer.steps().scaled)), *means)


def _brief(value: float) -> str:
    return f"{value:.{FEW}f}"
