"""Which steps there are of a layer, whose each one is and how it is obtained; and the loop over the heads.

A new step is an entry of ``STEPS``, beside its name in choices.Step.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import Enum, auto
from functools import cached_property
from typing import Any, NamedTuple

import numpy

from attnviz.attention.arrays import Array, to_numpy
from attnviz.choices import Step
from attnviz.trace.contribution import HeadContribution, is_known
from attnviz.trace.layer import Layer


class Owner(Enum):
    """Whose a step is: there is one a layer, before its heads; one a head; or one of all heads together, after them."""

    LAYER = auto()
    HEAD = auto()
    HEADS = auto()


class Rows(Enum):
    """What a row of a step stands for."""

    TOKENS = auto()
    QUERIES = auto()
    KEYS = auto()
    DIMENSIONS = auto()


class StepFacts(NamedTuple):
    """What is known of a step beside its name.

    owner     whose it is
    rows      what a row of it stands for; a column is a key in a map, else a dimension
    array     its array, of a ``Layer``, a ``Head`` or a ``TogetherSteps`` as the owner is; None where there is none
    known     whether it can be shown of a layer
    is_map    whether it is a map of queries × keys
    computed  whether attention has to be computed for it
    """

    owner: Owner
    rows: Rows
    array: Callable[[Any], Any]
    known: Callable[[Layer], bool] = lambda _: True
    is_map: bool = False
    computed: bool = False


def _map(name: str) -> StepFacts:
    known = _with_vectors if name != "weights" else lambda _: True
    return StepFacts(
        Owner.HEAD, Rows.QUERIES, lambda head: getattr(head.steps, name), known, is_map=True, computed=True
    )


def _with_vectors(layer: Layer) -> bool:
    """Whether query, key and value are known, and not the weights alone."""
    return not layer.weights_alone


STEPS: Mapping[Step, StepFacts] = {
    Step.EMBEDDINGS: StepFacts(
        Owner.LAYER, Rows.TOKENS, lambda layer: layer.embeddings, lambda layer: layer.embeddings is not None
    ),
    Step.POSITIONS: StepFacts(
        Owner.LAYER, Rows.TOKENS, lambda layer: layer.positions, lambda layer: layer.positions is not None
    ),
    Step.INPUTS: StepFacts(
        Owner.LAYER,
        Rows.TOKENS,
        lambda layer: None if layer.positions is None else layer.inputs,
        lambda layer: layer.positions is not None,
    ),
    Step.PROJECTIONS: StepFacts(
        Owner.LAYER,
        Rows.DIMENSIONS,
        lambda layer: layer.projections or None,  # several, by name
        lambda layer: {"query", "key", "value"} <= layer.projections.keys(),
    ),
    Step.QUERY: StepFacts(Owner.HEAD, Rows.QUERIES, lambda head: head.layer.query[head.head], _with_vectors),
    Step.KEY: StepFacts(Owner.HEAD, Rows.KEYS, lambda head: head.layer.key[head.kv_head], _with_vectors),
    Step.VALUE: StepFacts(Owner.HEAD, Rows.KEYS, lambda head: head.layer.value[head.kv_head], _with_vectors),
    Step.SCORES: _map("scores"),
    Step.SCALED: _map("scaled"),
    Step.MASKED: _map("masked"),
    Step.WEIGHTS: _map("weights"),
    Step.OUTPUT: StepFacts(Owner.HEAD, Rows.QUERIES, lambda head: head.steps.output, _with_vectors, computed=True),
    Step.CONTRIBUTION: StepFacts(
        Owner.HEAD, Rows.QUERIES, lambda head: head.contribution, is_known, is_map=True, computed=True
    ),
    Step.CONCAT: StepFacts(
        Owner.HEADS,
        Rows.QUERIES,
        lambda heads: heads.concat,
        lambda layer: layer.heads > 1 and not layer.weights_alone,
        computed=True,
    ),
    Step.PROJECTED: StepFacts(
        Owner.HEADS,
        Rows.QUERIES,
        lambda heads: heads.projected,
        lambda layer: "output" in layer.projections and not layer.weights_alone,
        computed=True,
    ),
    Step.SUMMED: StepFacts(Owner.HEADS, Rows.QUERIES, lambda heads: heads.summed, is_known, is_map=True, computed=True),
}


def available(layer: Layer) -> set[Step]:
    """The steps that can be shown of ``layer``."""
    return {step for step, facts in STEPS.items() if facts.known(layer)}


def steps_of(owner: Owner) -> tuple[Step, ...]:
    """The steps of ``owner``, in the order in which a person computes them."""
    return tuple(step for step, facts in STEPS.items() if facts.owner is owner)


class Head:
    """One head of a layer, whose steps are computed when they are first looked at: all, or those of one ``query``."""

    def __init__(self, layer: Layer, head: int, query: int | range | None = None) -> None:
        self.layer, self.head, self.query = layer, head, query
        self.kv_head = layer.kv_head(head)

    @cached_property
    def steps(self) -> Any:
        """The five steps as NumPy arrays, (queries, keys) and (queries, d_v); or the weights alone."""
        steps = self.layer.steps(self.head, self.query)
        return type(steps)(*map(to_numpy, steps))

    @property
    def rows(self) -> range:
        """The queries whose steps are computed."""
        if isinstance(self.query, int):
            return range(self.query, self.query + 1)
        return self.query or range(self.layer.queries)

    @cached_property
    def carries(self) -> HeadContribution:
        """What becomes of the head's values on their way to the output."""
        return HeadContribution(self.layer, self.head)

    @cached_property
    def contribution(self) -> numpy.ndarray:
        """What each key brings to each query's output, (queries, keys): 0 where it is hidden, as its weight is."""
        rows = slice(self.rows.start, self.rows.stop)
        return numpy.asarray(to_numpy(self.carries(self.steps.weights, rows)))


class TogetherSteps:
    """What follows from all heads of ``layer``, of the queries ``rows``.

    concat  (rows, heads · d_v)
    hidden  (rows, keys): which keys no head may look at
    """

    def __init__(self, layer: Layer, rows: range, concat: numpy.ndarray, hidden: numpy.ndarray) -> None:
        self._layer, self._rows, self.concat, self.hidden = layer, rows, concat, hidden

    @cached_property
    def projected(self) -> Array | None:
        """(rows, d_out); None where W_O is not known."""
        return self._layer.projected(self.concat)

    @cached_property
    def summed(self) -> numpy.ndarray:
        """What each key brings to each query's output through all heads, (rows, keys); AttnvizError where W_O is not known."""
        from attnviz.trace.summed import summed_contributions

        return summed_contributions(self._layer, slice(self._rows.start, self._rows.stop))


class HeadByHead:
    """The chosen heads of a layer, one after the other, and then what follows from the outputs of all that there are.

    Where one of ``steps`` needs all heads, each is computed, by its number, and the chosen ones come in that order;
    else in the order in which they are chosen.
    """

    def __init__(
        self, layer: Layer, heads: Sequence[int], steps: Collection[Step], query: int | range | None = None
    ) -> None:
        self.layer, self.heads, self.query = layer, heads, query
        wanted = available(layer).intersection(steps)
        self.needs_all = any(STEPS[step].owner is Owner.HEADS for step in wanted)
        self._outputs: list[numpy.ndarray] = []
        self._hidden: numpy.ndarray | None = None

    def __iter__(self) -> Iterator[Head]:
        self._outputs, self._hidden = [], None
        for number in range(self.layer.heads) if self.needs_all else self.heads:
            head = Head(self.layer, number, self.query)
            if self.needs_all:
                self._outputs.append(head.steps.output)
                hidden = head.steps.hidden
                self._hidden = hidden if self._hidden is None else self._hidden & hidden
            if number in self.heads:
                yield head

    @property
    def together(self) -> TogetherSteps | None:
        """What follows from the outputs of all heads, once the last has passed; None where no step needs it."""
        if self._hidden is None:
            return None
        concat = self.layer.concat(numpy.stack(self._outputs))
        return TogetherSteps(self.layer, Head(self.layer, 0, self.query).rows, concat, self._hidden)
