"""How a rotary position embedding turns the queries and the keys of a head: before, the angles, and after."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy

from attnviz.attention.arrays import Array, to_numpy
from attnviz.choices import Step
from attnviz.renderers.explain.document import Abreast, Section
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.matrix import Matrix, without_middle
from attnviz.trace.rotation import Rotation

MOST_PAIRS = 4  # of one query or key that are written out; the others are turned in the same way


class Turning:
    """The rotation of one head, whose queries and keys are (tokens, d_k)."""

    def __init__(self, writer: Writer, rotation: Rotation, head: int) -> None:
        self.writer, self.rotation, self.say = writer, rotation, writer.say
        layer = writer.layer
        self.after = {Step.QUERY: layer.query[head], Step.KEY: layer.key[layer.kv_head(head)]}
        self.before = {side: rotation.turned_back(array[None])[0] for side, array in self.after.items()}

    def parts(self) -> Iterator[Section | Abreast]:
        """The angles, one pair of numbers written out, and the queries and keys as they are then."""
        sentences = [] if self.writer.looks.quiet else self.writer.new(*self._told())
        formula = self.say("rotation.formula")
        yield Section(self.say("title.rotation"), formula, sentences, [self._angles()], self._written_out())
        make = {Step.QUERY: self.writer.matrices.of_queries, Step.KEY: self.writer.matrices.of_keys}
        yield Abreast(
            [
                Section(self.say(f"title.{side.value}_turned"), "", [], [make[side](self.after[side])])
                for side in (Step.QUERY, Step.KEY)
            ]
        )

    def _told(self) -> Iterator[str]:
        width, pairs = self.before[Step.QUERY].shape[-1], self.rotation.pairs
        yield self.say("rotation.what")
        yield self.say("rotation.halves" if self.rotation.halves else "rotation.neighbours", pairs=len(pairs))
        yield from beyond_pairs(self.writer, self.rotation, width)

    def _angles(self) -> Matrix:
        matrix = self.writer.matrices.of_keys(self.rotation.angles(range(len(self.writer.keys))))
        named = {str(place): f"{first}, {second}" for place, (first, second) in enumerate(self.rotation.pairs)}
        return matrix._replace(
            corner=self.say("label.angle"), columns=[named.get(column, column) for column in matrix.columns]
        )

    def _written_out(self) -> list[str]:
        """The first pair of one query, on paper."""
        query, number = self.writer.selected.shown_queries[-1], self.writer.number
        (first, second), frequency = self.rotation.pairs[0], float(self.rotation.frequencies[0])
        heading = self.say(
            "rotation.here",
            query=self.writer.queries[query],
            first=first,
            second=second,
            position=query,
            frequency=number(frequency),
            angle=number(query * frequency),
        )
        rows = (array[Step.QUERY][query] for array in (self.before, self.after))
        return [heading, *_on_paper(self.writer, self.rotation, 0, query, *rows)]


def turned_vector(writer: Writer, rotation: Rotation, side: Step, vector: Array, position: int) -> list[str]:
    """How the query or the key that stands at ``position`` came to be ``vector``, (d_k): the pairs of its numbers, on paper."""
    after = to_numpy(vector)
    before = rotation.turned_back(after[None, None], [position])[0, 0]
    pairs = [_pair(writer, rotation, place, position, before, after) for place in range(len(rotation.pairs))]
    left = writer.matrices.more(len(pairs) - MOST_PAIRS)
    lines = [line for pair in without_middle(pairs, MOST_PAIRS, [f"  {left}"]) for line in pair]
    return [writer.say(f"rotation.{side.value}", position=position), *lines]


def beyond_pairs(writer: Writer, rotation: Rotation, width: int) -> Iterator[str]:
    """What else there is to say: which of the ``width`` numbers are not turned, and what the others are multiplied by."""
    turned = 2 * len(rotation.pairs)
    if turned < width:
        yield writer.say("rotation.rest", first=turned, last=width - 1)
    if rotation.gain != 1:
        yield writer.say("rotation.gain", gain=writer.factor(rotation.gain))


def _pair(
    writer: Writer, rotation: Rotation, place: int, position: int, before: numpy.ndarray, after: numpy.ndarray
) -> list[str]:
    """A pair of numbers: its angle, and both numbers on paper."""
    (first, second), frequency = rotation.pairs[place], float(rotation.frequencies[place])
    said = {"frequency": _digits(writer, frequency), "angle": _digits(writer, position * frequency)}
    heading = writer.say("rotation.pair", first=first, second=second, position=position, **said)
    return [f"  {heading}", *(f"  {line}" for line in _on_paper(writer, rotation, place, position, before, after))]


def _on_paper(
    writer: Writer, rotation: Rotation, place: int, position: int, before: numpy.ndarray, after: numpy.ndarray
) -> list[str]:
    """The two numbers of a pair as they are turned."""
    first, second = rotation.pairs[place]
    angle, precision = position * float(rotation.frequencies[place]), writer.looks.precision
    a, b = float(before[first]), float(before[second])
    cosine, sine = (numbers.factor(rotation.gain * function(angle), precision) for function in (math.cos, math.sin))
    one, two, number = writer.number(a), numbers.factor(b, precision), writer.number
    return [
        f"  {one}×{cosine} − {two}×{sine} = {number(float(after[first]))}",
        f"  {one}×{sine} + {two}×{cosine} = {number(float(after[second]))}",
    ]


def _digits(writer: Writer, value: float) -> str:
    return numbers.significant(value, writer.looks.precision)
