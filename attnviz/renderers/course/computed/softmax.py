"""Chapter 3: softmax, number by number."""

from __future__ import annotations

import math

import numpy

from attnviz.attention.formula import attend, softmax
from attnviz.choices import PRECISION
from attnviz.renderers.course.material import Material
from attnviz.renderers.course.pieces import Piece, Tell, focus, focused, shown_words, step_array, table
from attnviz.renderers.shared.labels import named
from attnviz.renderers.shared.numbers import matrix, number, share
from attnviz.trace.trace import Trace

SHIFT, FACTOR = 10, 4


def row(material: Material, tell: Tell) -> list[Piece]:
    """One row of scaled scores, their powers of e, their shares, and the sums."""
    trace = material.toy()
    names, scores = [one.plain for one in named(trace.tokens)], _scores(trace)
    powers = numpy.array([math.exp(score) for score in scores.tolist()])
    columns = [_column(values) for values in (scores, powers, softmax(scores))]
    places = shown_words(trace)
    cells = [*([column[place] for column in columns] for place in places)]
    more = [["…"] * len(columns)] if len(places) < len(names) else []
    sums = ["", *(number(float(values.sum()), PRECISION) for values in (powers, softmax(scores)))]
    return [
        tell("caption", query=focused(trace)),
        table(
            tell("word"),
            [*(names[place] for place in places), *("…" for _ in more), tell("sum")],
            (tell("score"), tell("power"), tell("weight")),
            [*cells, *more, sums],
        ),
    ]


def changed(material: Material, tell: Tell) -> list[Piece]:
    """The weights after the scores have all grown, been pulled apart, been pushed together."""
    trace = material.toy()
    names, scores, places = named(trace.tokens), _scores(trace), shown_words(trace)
    rows = (tell("same"), tell("shifted", shift=SHIFT), tell("larger", factor=FACTOR), tell("smaller", factor=FACTOR))
    inputs = (scores, scores + SHIFT, scores * FACTOR, scores / FACTOR)
    cells = [[share(weight) for weight in softmax(one)[places].tolist()] for one in inputs]
    return [table(tell("query", query=focused(trace)), rows, [names[place].plain for place in places], cells)]


def question(material: Material, tell: Tell) -> list[Piece]:
    count = len(material.toy().tokens)
    return [tell("ask_one") if count == 1 else tell("ask", count=count)]


def equal(material: Material, tell: Tell) -> list[Piece]:
    """The weights of equal scores, and of a hidden one."""
    count = len(material.toy().tokens)
    even = softmax(numpy.zeros(count))
    hidden = attend(numpy.ones((1, 1)), numpy.zeros((2, 1)), numpy.zeros((2, 1)), mask=numpy.array([[True, False]]))
    weight = number(float(even[0]), PRECISION)
    return [
        tell("each_one", weight=weight) if count == 1 else tell("each", weight=weight, count=count),
        tell("hidden", weight=number(float(hidden.weights[0, 1]), PRECISION)),
    ]


def _scores(trace: Trace) -> numpy.ndarray:
    scaled: numpy.ndarray = step_array(trace, "scaled")[focus(trace)]
    return scaled


def _column(values: numpy.ndarray) -> list[str]:
    return [text for [text] in matrix(values[:, None], PRECISION)]
