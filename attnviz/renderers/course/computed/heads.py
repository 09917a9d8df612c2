"""Chapter 7: what each head looks at, Concat, and what W_O mixes."""

from __future__ import annotations

import numpy

from attnviz.attention.heads import concat_heads
from attnviz.choices import Step
from attnviz.renderers.course.material import Material
from attnviz.renderers.course.pieces import Piece, Tell, focus, focused, shown_words, step_array, table
from attnviz.renderers.explain.sentences import EQUAL
from attnviz.renderers.shared.labels import named
from attnviz.renderers.shared.matrix import Matrix
from attnviz.renderers.shared.numbers import FEW, matrix
from attnviz.trace.steps import HeadByHead, TogetherSteps
from attnviz.trace.trace import Trace

HEADS = 2


def weights(material: Material, tell: Tell) -> list[Piece]:
    """The row of one word in each head."""
    trace = _trace(material)
    names, places = named(trace.tokens), shown_words(trace)
    rows = [step_array(trace, "weights", head)[focus(trace), places] for head in range(HEADS)]
    return [
        tell("caption", query=focused(trace), count=HEADS),
        table(
            "",
            [tell("head", head=head) for head in range(HEADS)],
            [names[place].plain for place in places],
            matrix(numpy.stack(rows), FEW),
        ),
    ]


def concat(material: Material, tell: Tell) -> list[Piece]:
    """One word's row of each head, of Concat, and after W_O."""
    trace = _trace(material)
    together, place = _together(trace), focus(trace)
    outputs = [step_array(trace, "output", head)[place] for head in range(HEADS)]
    rows = numpy.stack([together.concat[place], numpy.asarray(together.projected)[place]])
    layer, width = trace.layers[0], together.concat.shape[-1]
    sizes = {"before": _width(material.toy()), "inputs": _width(trace), "dimension": layer.query.shape[-1]}
    after = numpy.asarray(together.projected).shape[-1]
    return [
        tell("sizes", **sizes, count=HEADS, width=width, outputs=after),
        tell("caption", query=focused(trace)),
        _numbered([tell("head", head=head) for head in range(HEADS)], numpy.stack(outputs)),
        _numbered([tell("concat"), tell("projected")], rows),
    ]


def question(material: Material, tell: Tell) -> list[Piece]:
    trace = _trace(material)
    return [tell("ask", width=_together(trace).concat.shape[-1], query=focused(trace))]


def without(material: Material, tell: Tell) -> list[Piece]:
    """How many numbers of one word's row change when the last head's output is 0."""
    trace = _trace(material)
    layer, together, place = trace.layers[0], _together(trace), focus(trace)
    outputs = numpy.stack([step_array(trace, "output", head) for head in range(HEADS)])
    outputs[-1] = 0
    rows = concat_heads(outputs)
    changed = {
        "concat": _changed(together.concat[place], rows[place]),
        "projected": _changed(numpy.asarray(together.projected)[place], numpy.asarray(layer.projected(rows))[place]),
    }
    return [tell("changed", width=rows.shape[-1], **changed)]


def _numbered(titles: list[str], rows: numpy.ndarray) -> Matrix:
    return table("", titles, map(str, range(rows.shape[-1])), matrix(rows, FEW))


def _width(trace: Trace) -> int:
    """How many numbers a word's vector has."""
    return int(numpy.asarray(trace.layers[0].embeddings).shape[-1])


def _trace(material: Material) -> Trace:
    return material.toy(heads=HEADS)


def _together(trace: Trace) -> TogetherSteps:
    layer = trace.layers[0]
    heads = HeadByHead(layer, range(HEADS), (Step.CONCAT, Step.PROJECTED))
    list(heads)  # what follows from the outputs is known once the last head has passed
    assert heads.together is not None
    return heads.together


def _changed(before: numpy.ndarray, after: numpy.ndarray) -> int:
    return int((numpy.abs(after - before) > EQUAL).sum())
