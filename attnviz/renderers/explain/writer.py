"""What everything that is written about one layer shares."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy

from attnviz.choices import USUAL_STEPS, Step
from attnviz.renderers.explain.document import Section
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.labels import named
from attnviz.renderers.shared.matrix import Looks, Matrix, MatrixMaker
from attnviz.trace.rotation import Rotation
from attnviz.trace.selection import LayerSelection
from attnviz.trace.steps import STEPS
from attnviz.trace.trace import Trace


class Writer:
    """One layer as it is written about: how its tokens are named, and how a sentence, a number, a section is made."""

    def __init__(
        self,
        trace: Trace,
        selected: LayerSelection,
        steps: Sequence[Step],
        looks: Looks,
        told: set[str] | None = None,
    ) -> None:
        self.trace = trace
        self.told = set() if told is None else told  # sentences that stand above already, of other layers too
        self.layer, self.selected, self.steps, self.looks = selected.layer, selected, steps, looks
        queries, keys = trace.query_tokens(selected.layer), trace.key_tokens(selected.layer)
        self.queries = named(queries)  # as sentences name them
        self.keys = self.queries if keys is queries else named(keys)
        self.matrices = MatrixMaker(
            selected, looks, [query.text for query in self.queries], [key.text for key in self.keys]
        )
        self.error = trace.source.agreement.errors.get(selected.layer.title)
        self.say = looks.lessons.say

    @property
    def walks(self) -> bool:
        """Whether the whole way is walked, and not some steps of it."""
        return set(self.steps) >= set(USUAL_STEPS)

    def new(self, *sentences: str) -> list[str]:
        """Those of ``sentences`` that do not stand above already."""
        fresh = [sentence for sentence in sentences if sentence not in self.told]
        self.told.update(fresh)
        return fresh

    @property
    def inputs(self) -> Step:
        """The step that shows X, what the layer reads."""
        return Step.EMBEDDINGS if self.layer.positions is None else Step.INPUTS

    @property
    def rotation(self) -> Rotation | None:
        """By which angles queries and keys are turned, where that is known, and each query stands where its key does."""
        return self.layer.rotation if self.layer.queries == self.layer.keys else None

    @cached_property
    def bare(self) -> bool:
        """Whether Q, K and V are X itself, without projections: then they need no tables of their own."""
        return self.layer.bare

    def section(self, step: Step, formula: str, sentences: list[str], *matrices: Matrix) -> Section:
        return Section(self.say(f"title.{step.value}"), formula, [] if self.looks.quiet else sentences, list(matrices))

    def plain_section(self, step: Step, owner: Any) -> Section:
        """A step of which nothing is said but its numbers; its ``owner`` is what ``STEPS`` takes its array of."""
        facts = STEPS[step]
        return self.section(step, "", [], self.matrices.of_step(facts, facts.array(owner)))

    def number(self, value: float) -> str:
        return numbers.number(value, self.looks.precision)

    def factor(self, value: float) -> str:
        """What every score is multiplied with, or divided by: as a whole number it would tell of another rule."""
        return numbers.number(value, self.looks.precision or numbers.FEW)

    def vector(self, values: numpy.ndarray) -> str:
        return numbers.vector(values, self.looks.precision)
