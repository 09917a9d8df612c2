"""How a rotary position embedding turns the queries and the keys of a head: before, the angles, and after."""

from __future__ import annotations

import math
from collections.abc import Iterator

from attnviz.choices import Step
from attnviz.renderers.explain.document import Abreast, Section
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.matrix import Matrix
from attnviz.trace.rotation import Rotation


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
        if 2 * len(pairs) < width:
            yield self.say("rotation.rest", first=2 * len(pairs), last=width - 1)
        if self.rotation.gain != 1:
            yield self.say("rotation.gain", gain=self.writer.factor(self.rotation.gain))

    def _angles(self) -> Matrix:
        matrix = self.writer.matrices.of_keys(self.rotation.angles(range(len(self.writer.keys))))
        named = {str(place): f"{first}, {second}" for place, (first, second) in enumerate(self.rotation.pairs)}
        return matrix._replace(
            corner=self.say("label.angle"), columns=[named.get(column, column) for column in matrix.columns]
        )

    def _written_out(self) -> list[str]:
        """The first pair of one query, on paper."""
        query = self.writer.selected.shown_queries[-1]
        first, second = self.rotation.pairs[0]
        frequency, number, factor = self.rotation.frequencies[0], self.writer.number, self._factor
        angle = query * float(frequency)
        a, b = (float(self.before[Step.QUERY][query, place]) for place in (first, second))
        cosine, sine = (self.rotation.gain * function(angle) for function in (math.cos, math.sin))
        heading = self.say(
            "rotation.here",
            query=self.writer.queries[query],
            first=first,
            second=second,
            position=query,
            frequency=number(frequency),
            angle=number(angle),
        )
        after = [float(value) for value in self.after[Step.QUERY][query]]  # of torch's bfloat16, too
        return [
            heading,
            f"  {number(a)}×{factor(cosine)} − {factor(b)}×{factor(sine)} = {number(after[first])}",
            f"  {number(a)}×{factor(sine)} + {factor(b)}×{factor(cosine)} = {number(after[second])}",
        ]

    def _factor(self, value: float) -> str:
        return numbers.factor(value, self.writer.looks.precision)
