"""Chapter 5: the textbook's three words, and all steps of the reader's sentence."""

from __future__ import annotations

from attnviz.choices import PRECISION, Step
from attnviz.renderers.course.material import Material
from attnviz.renderers.course.pieces import Piece, Tell, explained, focus, focused, step_array
from attnviz.renderers.shared.labels import named
from attnviz.renderers.shared.numbers import number
from attnviz.trace.trace import Trace

TEXTBOOK = "Your journey starts"
PRINTED = 0.4656  # by the textbook, for the first number of the first word's output
FULL = 6  # decimals that show which way it is rounded


def scores(material: Material, tell: Tell) -> list[Piece]:
    """The textbook's X, and X Xᵀ."""
    trace = _textbook(material)
    steps = (Step.EMBEDDINGS, Step.SCORES)
    return [tell("caption"), *(table for step in steps for table in explained(material, trace, step).matrices)]


def output(material: Material, tell: Tell) -> list[Piece]:
    """The textbook's weights and output."""
    trace = _textbook(material)
    steps = (Step.WEIGHTS, Step.OUTPUT)
    return [tell("caption"), *(table for step in steps for table in explained(material, trace, step).matrices)]


def printed(material: Material, tell: Tell) -> list[Piece]:
    """The number that the textbook prints beside the computed one."""
    trace = _textbook(material)
    first = float(step_array(trace, "output")[0, 0])
    return [
        tell(
            "said",
            printed=number(PRINTED, PRECISION),
            query=named(trace.tokens)[0],
            exact=number(first, FULL),
            rounded=number(first, PRECISION),
        )
    ]


def question(material: Material, tell: Tell) -> list[Piece]:
    return [tell("ask", query=focused(material.toy()))]


def weights(material: Material, _: Tell) -> list[Piece]:
    """Where the word looks most, in explain's words, and the weights of all."""
    trace = material.toy()
    looks_most = explained(material, trace, Step.WEIGHTS, focus(trace)).sentences[1]  # after what a weight is
    return [looks_most, *explained(material, trace, Step.WEIGHTS).matrices]


def _textbook(material: Material) -> Trace:
    return material.toy(TEXTBOOK, scale=1.0)
