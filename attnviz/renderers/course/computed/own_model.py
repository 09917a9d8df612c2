"""Chapter 9: what stats would find in the tiny model, and what roles says of it."""

from __future__ import annotations

import numpy

from attnviz.analysis.measure import head_metrics
from attnviz.analysis.metrics import Metric
from attnviz.choices import PRECISION
from attnviz.renderers.course.material import Material
from attnviz.renderers.course.pieces import Piece, Tell, table
from attnviz.renderers.roles.told import worn_name
from attnviz.renderers.shared.numbers import matrix, share
from attnviz.text.display import shorten, shown_line

POSITION = "position"  # the role of a head that looks at the word before
CELLS = 40  # of the sentence in the question


def question(material: Material, tell: Tell) -> list[Piece]:
    return [tell("ask", text=shorten(shown_line(material.text), CELLS))]


def previous(material: Material, tell: Tell) -> list[Piece]:
    """The mean weight on the word before, of each head, and the head where it is largest."""
    values = _values(material)
    return [
        tell("caption"),
        table(
            tell("layer"),
            map(str, range(len(values))),
            [tell("head", head=number) for number in range(values.shape[1])],
            matrix(values, PRECISION),
        ),
        _winner(values, tell) if values.any() else tell("nothing"),
    ]


def proof(material: Material, tell: Tell) -> list[Piece]:
    """What roles says of that head, and why another one may have the role; there is none where nothing looks at a word before."""
    values, roles = _values(material), material.roles().roles
    if not values.any():
        return [tell("why")]
    place, before = _largest(values), next(one for one in roles if one.role == POSITION)
    own = [worn_name(one, material.lessons) for one in roles if (one.layer, one.head) == place]
    said = [tell("candidate", verdict=", ".join(filter(None, own)) or tell("none")), tell("why")]
    if (before.layer, before.head) != place:
        weight = share(float(values[before.layer, before.head]))
        said.append(tell("other", layer=before.layer, head=before.head, weight=weight))
    return [*said]


def _winner(values: numpy.ndarray, tell: Tell) -> str:
    layer, head = _largest(values)
    return tell("most", layer=layer, head=head, weight=share(float(values[layer, head])))


def _values(material: Material) -> numpy.ndarray:
    """(layers, heads); 0 where there is no word before."""
    trace = material.read(material.text)
    rows = [head_metrics(trace, layer, only=(Metric.PREVIOUS,))[Metric.PREVIOUS] for layer in trace.layers]
    values: numpy.ndarray = numpy.nan_to_num(numpy.stack(rows))
    return values


def _largest(values: numpy.ndarray) -> tuple[int, int]:
    layer, head = numpy.unravel_index(values.argmax(), values.shape)
    return int(layer), int(head)
