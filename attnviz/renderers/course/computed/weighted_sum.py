"""Chapter 4: the output, Value by Value."""

from __future__ import annotations

import numpy

from attnviz.attention.formula import attend
from attnviz.choices import PRECISION
from attnviz.renderers.course.material import Material
from attnviz.renderers.course.pieces import Piece, Tell, aligned, focus, focused, shown_words, step_array, table
from attnviz.renderers.shared.labels import named
from attnviz.renderers.shared.numbers import matrix, number, vector
from attnviz.trace.trace import Trace


def terms(material: Material, tell: Tell) -> list[Piece]:
    """Each Value times its weight, and the sum of them: the output."""
    trace = material.toy()
    names, weights, values = [one.plain for one in named(trace.tokens)], _weights(trace), trace.layers[0].value[0]
    output, places = step_array(trace, "output")[focus(trace)], shown_words(trace)
    *products, total = aligned(numpy.vstack([weights[:, None] * values, output]))
    given = aligned(numpy.asarray(values))
    shares = [text for [text] in matrix(weights[:, None], PRECISION)]
    cells = [(shares[place], given[place], products[place]) for place in places]
    more = [("…",) * 3] if len(places) < len(names) else []
    return [
        tell("caption", query=focused(trace)),
        table(
            tell("word"),
            [*(names[place] for place in places), *("…" for _ in more), tell("sum")],
            (tell("weight"), tell("value"), tell("product")),
            [*cells, *more, (number(float(weights.sum()), PRECISION), "", total)],
        ),
    ]


def changed(material: Material, tell: Tell) -> list[Piece]:
    """The word's vector before attention and after it."""
    trace = material.toy()
    before, after = trace.layers[0].value[0][focus(trace)], step_array(trace, "output")[focus(trace)]
    return [
        tell("before", query=focused(trace), vector=vector(before, PRECISION)),
        tell("after", vector=vector(after, PRECISION)),
    ]


def question(material: Material, tell: Tell) -> list[Piece]:
    trace = material.toy()
    return [tell("ask", query=focused(trace), key=named(trace.tokens)[_least(trace)])]


def only(material: Material, tell: Tell) -> list[Piece]:
    """The output where every other key is hidden."""
    trace = material.toy()
    layer, least = trace.layers[0], _least(trace)
    mask = numpy.arange(len(trace.tokens))[None] == least
    steps = attend(layer.query[0][focus(trace)][None], layer.key[0], layer.value[0], mask=mask)
    return [tell("output", vector=vector(steps.output[0], PRECISION), key=named(trace.tokens)[least])]


def _weights(trace: Trace) -> numpy.ndarray:
    weights: numpy.ndarray = step_array(trace, "weights")[focus(trace)]
    return weights


def _least(trace: Trace) -> int:
    """The key with the smallest weight."""
    return int(_weights(trace).argmin())
