"""What all who write about one layer share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from attnviz.choices import Step
from attnviz.renderers.explain.document import Section
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.matrix import Looks, Matrix, MatrixMaker
from attnviz.trace.selection import LayerSelection
from attnviz.trace.trace import Trace


class Writer:
    """One layer as it is written about: its tokens as they are shown, and how a sentence, a number, a section is made."""

    def __init__(self, trace: Trace, selected: LayerSelection, steps: Sequence[Step], looks: Looks) -> None:
        self.layer, self.selected, self.steps, self.looks = selected.layer, selected, steps, looks
        self.query_names = [name(token) for token in trace.query_tokens(selected.layer)]
        self.key_names = [name(token) for token in trace.key_tokens(selected.layer)]
        self.matrices = MatrixMaker(selected, looks, self.query_names, self.key_names)
        self.error = trace.source.agreement.errors.get(selected.layer.title)
        self.say = looks.lessons.say

    def section(self, step: Step, formula: str, sentences: list[str], *matrices: Matrix) -> Section:
        return Section(self.say(f"title.{step.value}"), formula, [] if self.looks.quiet else sentences, list(matrices))

    def number(self, value: float) -> str:
        return numbers.number(value, self.looks.precision)

    def vector(self, values: numpy.ndarray) -> str:
        return numbers.vector(values, self.looks.precision)
