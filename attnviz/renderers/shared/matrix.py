"""Tables of numbers, decided before they are drawn: which rows and columns are shown, in which words, how tinted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy

from attnviz.attention.arrays import Array, to_numpy
from attnviz.choices import MAX_TOKENS, PRECISION
from attnviz.renderers.shared import numbers
from attnviz.text.lessons import Lessons
from attnviz.trace.projection import Projection
from attnviz.trace.selection import LayerSelection
from attnviz.trace.steps import Rows, StepFacts

BLIND = "∅"  # the mark of a query that sees no key
HIDDEN = -1.0  # the tint of a hidden cell

Item = TypeVar("Item")


class Looks(NamedTuple):
    """How much is shown, and in which words.

    top    asks for the top keys of some queries, which a long text gets anyway
    every  every head is walked in full, and not the first alone
    """

    lessons: Lessons
    precision: int = PRECISION
    max_tokens: int = MAX_TOKENS
    quiet: bool = False
    top: int | None = None
    every: bool = False


class Matrix(NamedTuple):
    """A table of numbers, ready to be drawn.

    corner   what the rows and the columns are
    rows     the label of each row, columns the label of each column
    cells    the numbers as text
    tints    where each number lies between the smallest (0) and the largest (1); HIDDEN: a hidden cell; None: not a
             number to compare
    summed   whether the last column is the sum of the others, which says nothing without any of them
    """

    corner: str
    rows: list[str]
    columns: list[str]
    cells: list[list[str]]
    tints: list[list[float | None]]
    summed: bool = False


class MatrixMaker:
    """Makes the matrices of one layer, cut to what is shown of it."""

    def __init__(
        self, selected: LayerSelection, looks: Looks, query_names: Sequence[str], key_names: Sequence[str]
    ) -> None:
        self.selected, self.looks = selected, looks
        self.query_names, self.key_names = query_names, key_names
        self.say = looks.lessons.say

    def marking(self, blind: Iterable[int]) -> MatrixMaker:
        """The same, where the queries ``blind``, which see no key, carry a mark."""
        marked = set(blind)
        names = [f"{name} {BLIND}" if query in marked else name for query, name in enumerate(self.query_names)]
        return MatrixMaker(self.selected, self.looks, names, self.key_names) if marked else self

    def of_cells(self, values: numpy.ndarray) -> Matrix:
        """``values``, (queries, keys) of the whole layer; −∞ is a hidden cell."""
        shown = self.selected.shown_queries, self.selected.shown_keys
        return self._cut(self._corner(), self.query_names, self.key_names, values, values == -math.inf, *shown)

    def of_weights(self, weights: numpy.ndarray, hidden: numpy.ndarray) -> Matrix:
        """``weights`` and which cells are ``hidden``, (queries, keys) of the whole layer, tinted from 0, with the sum of each row
        over all keys that are not left out."""
        shown = self.selected.shown_queries, self.selected.shown_keys
        precision = self.looks.precision or numbers.FEW  # beside a weight of 1, all others would be 0
        matrix = self._cut(
            self._corner(), self.query_names, self.key_names, weights, hidden, *shown, precision, weights=True
        )
        kept = weights if self.selected.keys is None else weights[:, self.selected.keys]
        sums = numbers.matrix(kept.sum(axis=-1, keepdims=True), precision)
        shown_sums = [sums[row][0] if row is not None else "…" for row in self._fitting(self.selected.shown_queries)]
        return matrix._replace(
            columns=[*matrix.columns, self.say("label.sum")],
            cells=[[*cells, one] for cells, one in zip(matrix.cells, shown_sums, strict=True)],
            tints=[[*tints, None] for tints in matrix.tints],
            summed=True,
        )

    def of_step(self, facts: StepFacts, values: Array) -> Matrix:
        """The array of any step that has a single one."""
        if facts.is_map:
            return self.of_cells(to_numpy(values))
        if facts.rows is Rows.DIMENSIONS:
            return self._vectors("", [str(row) for row in range(len(values))], values, range(len(values)))
        of_rows = {Rows.TOKENS: self.of_tokens, Rows.QUERIES: self.of_queries, Rows.KEYS: self.of_keys}
        return of_rows[facts.rows](values)

    def of_tokens(self, values: Array) -> Matrix:
        """A vector for each token of the layer's text: ``values``, (tokens, d)."""
        return self._vectors("label.token", self.query_names, values, self.selected.all_queries)

    def of_queries(self, values: Array) -> Matrix:
        """A vector for each query: ``values``, (queries, d)."""
        return self._vectors("label.query", self.query_names, values, self.selected.shown_queries)

    def of_keys(self, values: Array) -> Matrix:
        """A vector for each key: ``values``, (keys, d)."""
        return self._vectors("label.key", self.key_names, values, self.selected.shown_keys)

    def of_key_values(self, name: str, values: Array) -> Matrix:
        """One number for each key, under the ``name`` of what it is: ``values``, (keys,)."""
        return self.of_keys(values[:, None])._replace(columns=[name])

    def of_projection(self, name: str, projection: Projection, columns: slice = slice(None)) -> Matrix:
        """Some ``columns`` of a projection's weight, (d_in, d_out); its bias, (d_out,), if it has one, is a row of its own below."""
        weight = to_numpy(projection.weight)[:, columns]
        rows = [str(row) for row in range(len(weight))]
        if projection.bias is not None:
            weight, rows = numpy.vstack([weight, to_numpy(projection.bias)[columns]]), [*rows, "bias"]
        return self._vectors(name, rows, weight, range(len(rows)))

    def more(self, count: int) -> str:
        """What stands where ``count`` rows, columns or terms are left out."""
        return self.say("label.more", count=f"{count:,}")

    def _corner(self) -> str:
        return f"{self.say('label.query')} ↓ {self.say('label.key')} →"

    def _vectors(self, corner: str, rows: Sequence[str], values: Array, shown: Sequence[int]) -> Matrix:
        array = to_numpy(values)
        columns = [str(column) for column in range(array.shape[-1])]
        corner = self.say(corner) if corner.startswith("label.") else corner
        return self._cut(corner, rows, columns, array, numpy.zeros(array.shape, dtype=bool), shown, range(len(columns)))

    def _cut(
        self,
        corner: str,
        rows: Sequence[str],
        columns: Sequence[str],
        values: numpy.ndarray,
        hidden: numpy.ndarray,
        shown_rows: Sequence[int],
        shown_columns: Sequence[int],
        precision: int | None = None,
        weights: bool = False,
    ) -> Matrix:
        """``values``, or ``weights``, cut to what is shown, and of that to as many as fit, this cut said in words."""
        row_positions, column_positions = self._fitting(shown_rows), self._fitting(shown_columns)
        cells = numpy.ix_(
            *([one for one in positions if one is not None] for positions in (row_positions, column_positions))
        )
        kept = values[cells]
        precision = self.looks.precision if precision is None else precision
        words = numbers.weights(kept, hidden[cells], precision) if weights else numbers.cells(kept, precision)
        return Matrix(
            corner,
            self._labels(rows, row_positions, len(shown_rows)),
            self._labels(columns, column_positions, len(shown_columns)),
            _with_gaps(words, row_positions, column_positions, "…"),
            _with_gaps(_tints(kept, hidden[cells], 0.0 if weights else None), row_positions, column_positions, None),
        )

    def _fitting(self, shown: Sequence[int]) -> list[int | None]:
        """As many of the positions ``shown`` as fit; None stands for those left out in the middle."""
        return without_middle(shown, self.looks.max_tokens, None)

    def _labels(self, names: Sequence[str], positions: list[int | None], count: int) -> list[str]:
        more = self.more(count - self.looks.max_tokens)
        return [more if position is None else names[position] for position in positions]


def without_middle(items: Sequence[Item], most: int, gap: Item) -> list[Item]:
    """``items`` or, where there are more than ``most``, as many from both ends, and ``gap`` for those in the middle."""
    if len(items) <= most:
        return list(items)
    return [*items[: math.ceil(most / 2)], gap, *items[len(items) - most // 2 :]]


def _with_gaps(cells: list[list[Any]], rows: list[int | None], columns: list[int | None], gap: Any) -> list[list[Any]]:
    """``cells`` with ``gap`` where rows and columns are left out."""
    if None in columns:
        at = columns.index(None)
        cells = [[*row[:at], gap, *row[at:]] for row in cells]
    if None in rows:
        at = rows.index(None)
        cells = [*cells[:at], [gap] * len(columns), *cells[at:]]
    return cells


def _tints(values: numpy.ndarray, hidden: numpy.ndarray, lowest: float | None) -> list[list[float | None]]:
    seen = values[~hidden] if not hidden.all() else numpy.zeros(1)
    low, high = float(seen.min()) if lowest is None else lowest, float(seen.max())
    spread = high - low if high > low else 1.0
    tints: list[list[float | None]] = numpy.where(
        hidden, HIDDEN, (numpy.where(hidden, low, values.astype(float)) - low) / spread
    ).tolist()
    return tints
