"""What explain says of contributions: the formula, how long each value is behind W_O, the map, and one cell by hand."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.choices import Step
from attnviz.renderers.explain.document import Section
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.labels import named
from attnviz.renderers.shared.matrix import Matrix, MatrixMaker
from attnviz.trace.contribution import is_unprojected
from attnviz.trace.direction import Direction
from attnviz.trace.steps import Head, TogetherSteps

MOST_NUMBERS = 8  # of a vector that is written out


class ContributionSection:
    """The contributions of one head, whose weights are ``steps.weights``."""

    def __init__(self, writer: Writer, head: Head, steps: Any, matrices: MatrixMaker) -> None:
        self.writer, self.head, self.steps, self.matrices, self.say = writer, head, steps, matrices, writer.say

    def section(self, query: int | None) -> Section:
        """All of it; ``query`` is the one to speak of, None where none sees a key."""
        values = numpy.where(self.steps.hidden, -math.inf, self.head.contribution)
        sentences = self.writer.new(*self._what(), *self._unprojected())
        if query is not None:
            sentences += self._here(query, values[query])
        lengths = [] if self._toward is not None else [self._lengths()]
        return self.writer.section(Step.CONTRIBUTION, self.formula, sentences, *lengths, self.matrices.of_cells(values))

    @property
    def _toward(self) -> Direction | None:
        return self.writer.layer.toward

    def _what(self) -> list[str]:
        """What is measured: how long contributions are, or how far they go along a direction."""
        return [self.say("contribution.what")] if self._toward is None else [_along(self.writer, self._toward)]

    @cached_property
    def formula(self) -> str:
        """How a cell is computed."""
        return f"contribution = weights × {self.length}"

    @cached_property
    def length(self) -> str:
        """What is measured of each value."""
        carried = _carried(self.writer)
        return f"‖{carried}‖" if self._toward is None else f"{carried} · u"

    def by_hand(self, query: int, key: int) -> str:
        """One cell, as on paper: 0.31 × ‖[0.4, 0.2]‖ = 0.31 × 0.4472 = 0.1386."""
        digits = self.writer.looks.precision
        weight = numbers.significant(float(self.steps.weights[query - self._first, key]), digits)
        length = numbers.significant(
            float(to_numpy(self.head.carries.factors(slice(query, query + 1), numpy.array([key]))).flat[0]), digits
        )
        found = numbers.significant(float(self.head.contribution[query - self._first, key]), digits)
        if self._toward is not None:
            return f"{weight} × {length} = {found}"
        vector = to_numpy(self.head.carries.carried(numpy.array([key])))[0]
        return f"{weight} × ‖{numbers.vector(vector, digits, most=MOST_NUMBERS)}‖ = {weight} × {length} = {found}"

    @property
    def _first(self) -> int:
        """The query whose row is the first of the steps."""
        return self.head.rows.start

    def _unprojected(self) -> list[str]:
        return [self.say("contribution.unprojected")] if is_unprojected(self.writer.layer) else []

    def _here(self, query: int, row: numpy.ndarray) -> list[str]:
        """The key that brings most to ``query``, and whether it is the one that is looked at most."""
        keys = numpy.array(self.writer.selected.shown_keys)
        longest, heaviest = (int(keys[values[keys].argmax()]) for values in (row, self.steps.weights[query]))
        names = {"query": self.writer.queries[query], "key": self.writer.keys[longest]}
        said = [self.say("contribution.here", **names, sum=self.by_hand(query, longest))]
        if longest != heaviest:
            names["key"] = self.writer.keys[heaviest]
            said.append(self.say("contribution.other", **names, contribution=self.writer.number(row[heaviest])))
        return said

    def _lengths(self) -> Matrix:
        return self.matrices.of_key_values(self.length, to_numpy(self.head.carries.factors()))


def summed_section(writer: Writer, together: TogetherSteps) -> Section:
    """The contributions of all heads of a layer, added up."""
    toward, say = writer.layer.toward, writer.say
    values = numpy.where(together.hidden, -math.inf, together.summed)
    whole = [say("contribution.summed")]
    sentences = writer.new(*(whole if toward is None else [say("contribution.summed_along"), _along(writer, toward)]))
    blind = numpy.asarray(together.hidden.all(axis=-1))
    query = next((one for one in reversed(writer.selected.shown_queries) if not blind[one]), None)
    if query is not None:
        keys = numpy.array(writer.selected.shown_keys)
        key = int(keys[values[query, keys].argmax()])
        names, most = {"query": writer.queries[query], "key": writer.keys[key]}, writer.number(values[query, key])
        sentences.append(say("contribution.summed_here", **names, contribution=most))
    matrices = writer.matrices.marking(numpy.flatnonzero(blind))
    return writer.section(Step.SUMMED, _summed_formula(writer), sentences, matrices.of_cells(values))


def _along(writer: Writer, toward: Direction) -> str:
    """Along what contributions are measured."""
    if toward.is_output:
        return writer.say("contribution.output")
    return writer.say("contribution.toward", token=named([toward.token])[0])


def _summed_formula(writer: Writer) -> str:
    """How a cell of all heads is computed."""
    if writer.layer.toward is None:
        return f"summed = ‖Σ(weights × {_carried(writer)})‖"
    return f"summed = Σ(weights × {_carried(writer)} · u)"


def _carried(writer: Writer) -> str:
    """What becomes of the values, in a formula."""
    return "V" if is_unprojected(writer.layer) else "V W_O"
