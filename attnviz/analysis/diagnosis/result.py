"""What a diagnosis says: the verdict, the mistakes by name and where they are, or where an unknown one shows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

import numpy

from attnviz.choices import Language
from attnviz.trace.public import public

Some = Literal["all"] | tuple[int, ...]  # of heads, of batch items: all of them, or these
Ranges = Literal["all"] | tuple[range, ...]  # of queries, of keys: all of them, or these blocks


class Verdict(StrEnum):
    """What is said of an output."""

    CORRECT = "correct"
    MISTAKE = "mistake"
    SEVERAL = "several"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Mistake:
    """A mistake by name, and where it is.

    name     a fixed word of ``registry.names()``: "scale-missing", "causal-top-left", …
    value    the number that was used, where the mistake is one: the scale, the size of a window or tile; else None
    heads, items   which heads and which items of the batch have it
    queries, keys  which blocks of queries have it, and of which keys
    before   how far the output is from what was meant, where the mistake is: in parts of the largest output
    after    how far it is from what the mistake (with the others that hold together with it) gives
    """

    name: str
    value: float | None = None
    heads: Some = "all"
    queries: Ranges = "all"
    keys: Ranges = "all"
    items: Some = "all"
    before: float = 0.0
    after: float = 0.0


class Place(NamedTuple):
    """A row of the output."""

    item: int
    head: int
    query: int


@dataclass(frozen=True)
class Departure:
    """Where an output that nothing explains departs from what was meant.

    first    the first row that does, by item, head and query
    heads, queries, items  the rows that do, each axis by itself
    keys     the block of keys whose weights depart first, where the weights are known; else None
    share    of all rows that were looked at, how many depart
    finite   whether all of the output is finite
    follows  what the error goes along with, the most telling first: "heads", "items", "positions", "keys",
             "tiles-16", "tiles-32", "tiles-64", "tiles-128", "magnitude"
    """

    first: Place
    heads: Some
    queries: Ranges
    items: Some
    keys: range | None
    share: float
    finite: bool
    follows: tuple[str, ...]


class Suggestion(NamedTuple):
    """The smallest input that tells several explanations apart: random numbers of these shapes, with the same rule."""

    heads: int
    key_heads: int
    queries: int
    keys: int
    dimension: int
    value_dimension: int


class Compared(NamedTuple):
    """The weights of the head where an explanation shows most.

    rows      the queries that are held, a range of them
    meant     what was meant, (rows, keys)
    computed  what the explanation gives, or what the output itself tells where nothing explains it; (rows, keys), or None
    """

    item: int
    head: int
    rows: range
    meant: numpy.ndarray
    computed: numpy.ndarray | None


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What is wrong with an output of attention, if anything.

    verdict    "correct"; "mistake": one explanation, all of whose mistakes hold together; "several": each explanation
               is as good as the others on this input; "unknown": the output is not what was meant, and nothing explains it
    error      how far the output is from what was meant, where that is most beyond rounding; in parts of the largest output
    tolerance  how far rounding may take it there, in the same parts; at most this, and the output is correct
    dtype      the arithmetic whose rounding that is: "float64", "float32", "tf32", "float16", "bfloat16"
    explanations  each the mistakes that hold together; () where correct or unknown
    departs    where the output departs; None where it is correct
    suggestion the smallest input that tells several apart; None where there is none or nothing to tell
    compared   meant against computed weights, one for each explanation; of an unknown mistake, one; of a correct output, none
    rows       how many rows of the output were looked at, and how many there are
    language   in which it prints
    """

    verdict: Verdict
    error: float
    tolerance: float
    dtype: str
    explanations: tuple[tuple[Mistake, ...], ...] = ()
    departs: Departure | None = None
    suggestion: Suggestion | None = None
    compared: tuple[Compared, ...] = ()
    rows: tuple[int, int] = (0, 0)
    language: Language = Language.EN

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        """All mistakes of all explanations, each once."""
        return tuple(dict.fromkeys(one for explanation in self.explanations for one in explanation))

    def __str__(self) -> str:
        """The answer, as ``attnviz diagnose`` prints it."""
        return public("attnviz.renderers.diagnosis.answer.to_text", self)  # type: ignore[no-any-return]

    def __rich__(self) -> Any:
        """The same in colour, on a Rich console."""
        return public("attnviz.renderers.diagnosis.answer.to_renderable", self)

    def heatmap(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Computed against meant weights and their difference, as a picture that shows itself in a notebook; saved to ``path``.

        AttnvizError where there is no difference to draw, as of a correct output, or the suffix is of no picture.
        """
        return public("attnviz.renderers.diagnosis.picture.to_heatmap", self, path)

    def to_json(self) -> str:
        """What ``attnviz diagnose --format json`` writes."""
        return public("attnviz.renderers.diagnosis.diagnosis_json.to_json", self).decode()  # type: ignore[no-any-return]

    def to_csv(self) -> str:
        """What ``attnviz diagnose --format csv`` writes."""
        return public("attnviz.renderers.diagnosis.diagnosis_csv.to_csv", self)  # type: ignore[no-any-return]

    def to_markdown(self) -> str:
        """What ``attnviz diagnose --format markdown`` writes."""
        return public("attnviz.renderers.diagnosis.markdown.to_markdown", self)  # type: ignore[no-any-return]

    def to_html(self) -> str:
        """What ``attnviz diagnose --format html`` writes: an element for any page."""
        return self._repr_html_()

    def _repr_html_(self) -> str:
        """The same in a notebook."""
        return public("attnviz.renderers.diagnosis.fragment.to_fragment", self)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        joined = (" + ".join(one.name for one in explanation) for explanation in self.explanations)
        names = " or ".join(joined)
        said = f"{self.verdict.value}: {names}" if names else self.verdict.value
        return f"Diagnosis({said}, error {self.error:.2g}, rounding of {self.dtype} {self.tolerance:.2g}; print() shows it)"
