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
from attnviz.renderers.shared.matrix import Matrix, MatrixMaker
from attnviz.trace.contribution import is_unprojected
from attnviz.trace.steps import Head

MOST_NUMBERS = 8  # of a vector that is written out


class ContributionSection:
    """The contributions of one head, whose weights are ``steps.weights``."""

    def __init__(self, writer: Writer, head: Head, steps: Any, matrices: MatrixMaker) -> None:
        self.writer, self.head, self.steps, self.matrices, self.say = writer, head, steps, matrices, writer.say

    def section(self, query: int | None) -> Section:
        """All of it; ``query`` is the one to speak of, None where none sees a key."""
        values = numpy.where(self.steps.hidden, -math.inf, self.head.contribution)
        sentences = self.writer.new(self.say("contribution.what"), *self._unprojected())
        if query is not None:
            sentences += self._here(query, values[query])
        return self.writer.section(
            Step.CONTRIBUTION, self.formula, sentences, self._lengths(), self.matrices.of_cells(values)
        )

    @cached_property
    def formula(self) -> str:
        """How a cell is computed."""
        return f"contribution = weights × {self.length}"

    @cached_property
    def length(self) -> str:
        """What is measured of each value."""
        return "‖V‖" if is_unprojected(self.writer.layer) else "‖V W_O‖"

    def by_hand(self, query: int, key: int) -> str:
        """One cell, as on paper: 0.31 × ‖[0.4, 0.2]‖ = 0.31 × 0.4472 = 0.1386."""
        digits = self.writer.looks.precision
        weight = numbers.significant(float(self.steps.weights[query - self._first, key]), digits)
        vector = to_numpy(self.head.carries.carried(numpy.array([key])))[0]
        length = numbers.significant(float(to_numpy(self.head.carries.factors(numpy.array([key])))[0]), digits)
        found = numbers.significant(float(self.head.contribution[query - self._first, key]), digits)
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
