"""What explain shows of one head: a section for each step."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy

from attnviz.choices import Step
from attnviz.renderers.explain.document import Abreast, Section
from attnviz.renderers.explain.sentences import HeadSentences
from attnviz.renderers.explain.writer import Writer
from attnviz.trace.steps import STEPS, Head, Owner

if TYPE_CHECKING:
    from attnviz.renderers.explain.turning import Turning

SIDES = (Step.QUERY, Step.KEY, Step.VALUE)
TOLD_OF_A_HEAD = (Step.PROJECTIONS,)  # a layer's, of which each head shows its own columns


class HeadSections:
    """The sections of one head; each method makes that of one step."""

    def __init__(self, writer: Writer, computed: Head) -> None:
        self.writer, self.computed, self.head = writer, computed, computed.head
        self.layer, self.say, self.matrices = writer.layer, writer.say, writer.matrices

    @cached_property
    def steps(self) -> Any:
        """The head's steps as NumPy arrays, (queries, keys) and (queries, d_v), or its weights alone; computed when they are
        first looked at."""
        steps = self.computed.steps
        self.matrices = self.matrices.marking(numpy.flatnonzero(steps.blind))
        return steps

    def parts(self) -> Iterator[Section | Abreast]:
        """Every step that is wanted; Query, Key and Value side by side."""
        for of_sides, together in groupby(self._sections(), lambda one: one[0] in SIDES):
            sections = [section for _, section in together]
            if of_sides and len(sections) > 1:
                yield Abreast(sections)
            else:
                yield from sections
            if of_sides and self._turning is not None:
                yield from self._turning.parts()

    def _sections(self) -> Iterator[tuple[Step, Section]]:
        computed = {
            Step.SCORES: self._scores,
            Step.SCALED: self._scaled,
            Step.MASKED: self._masked,
            Step.WEIGHTS: self.weights,
            Step.OUTPUT: self.output,
            Step.CONTRIBUTION: self._contribution,
        }
        for step in self.writer.steps:
            if not STEPS[step].known(self.layer):
                continue
            if step is Step.PROJECTIONS and {side.value for side in SIDES} <= self.layer.projections.keys():
                yield step, self._projections()
            elif step in SIDES and not (self.writer.bare and self.writer.inputs in self.writer.steps):
                yield step, self._vectors(step)
            elif step in computed:
                yield step, computed[step]()
            elif step not in SIDES and STEPS[step].owner is Owner.HEAD and STEPS[step].known(self.layer):
                yield step, self.writer.plain_section(step, self.computed)

    @cached_property
    def told(self) -> HeadSentences:
        """What is said of the head."""
        return HeadSentences(self.writer, self.head, self.steps)

    def _projections(self) -> Section:
        matrices, sentences = [], self.writer.new(self.say("projections.what"))
        projections = [self.layer.projections[side.value] for side in SIDES]
        for side, projection in zip(SIDES, projections, strict=True):
            width = getattr(self.layer, side.value).shape[-1]
            head = self.head if side is Step.QUERY else self.layer.kv_head(self.head)
            columns = slice(head * width, (head + 1) * width)
            matrices.append(self.matrices.of_projection(f"W_{side.value[0].upper()}", projection, columns))
        if any(projection.bias is not None for projection in projections):
            sentences += self.writer.new(self.say("projections.bias"))
        return self.writer.section(Step.PROJECTIONS, "W_Q, W_K, W_V", sentences, *matrices)

    @cached_property
    def _turning(self) -> Turning | None:
        """How the queries and keys are turned by their positions, where that is known and the whole way is walked."""
        rotation = self.writer.rotation
        if rotation is None or not self.writer.walks:
            return None
        from attnviz.renderers.explain.turning import Turning

        return Turning(self.writer, rotation, self.head)

    def _vectors(self, step: Step) -> Section:
        """Q, K or V; of several heads on one key/value head, each shows the one that it reads."""
        letter = step.value[0].upper()
        sentences = [self.say(f"{step.value}.what")]
        array = getattr(self.layer, step.value)[self.head if step is Step.QUERY else self.layer.kv_head(self.head)]
        if step is not Step.VALUE and self._turning is not None:
            array = self._turning.before[step]
        elif step is not Step.VALUE and self.layer.rotary:
            sentences.append(self.say(f"{step.value}.rotated"))
            if step is Step.KEY and self.layer.rotation is None:
                sentences.append(self.say("rotation.unknown"))
        matrix = self.matrices.of_queries(array) if step is Step.QUERY else self.matrices.of_keys(array)
        formula = f"{letter} = X W_{letter}" if step.value in self.layer.projections else letter
        return self.writer.section(step, formula, self.writer.new(*sentences), matrix)

    def _scores(self) -> Section:
        sentences, matrix = self.told.scores(), self.matrices.of_cells(self.steps.scores)
        formula = "scores = Q Kᵀ" if self._turning is None else self.say("scores.turned")
        return self.writer.section(Step.SCORES, formula, sentences, matrix)

    def _scaled(self) -> Section:
        rule = self.layer.rule
        if rule.scale is None:
            formula = "scores / √d_k"
        else:
            formula = "scores" if rule.scale == 1 else f"scores × {self.writer.factor(self.layer.scale)}"
        if rule.softcap is not None:
            formula = f"{rule.softcap:g} · tanh({formula} / {rule.softcap:g})"
        sentences, matrix = self.told.scaled(), self.matrices.of_cells(self.steps.scaled)
        return self.writer.section(Step.SCALED, f"scaled = {formula}", sentences, matrix)

    def _masked(self) -> Section:
        formula = "masked = scaled" + (" + bias" if self.layer.rule.bias is not None else "")
        if self.told.hides:
            formula += f"; {self.say('label.hidden')} −∞"
        unchanged = self.writer.walks and not self.told.what_is_hidden  # the table stands right above
        matrices = [] if unchanged else [self.matrices.of_cells(self.steps.masked)]
        return self.writer.section(Step.MASKED, formula, self.told.masked(), *matrices)

    def weights(self) -> Section:
        matrix = self.matrices.of_weights(self.steps.weights, self.steps.hidden)
        formula = "" if self.layer.weights_alone else "weights = softmax(masked)"
        return self.writer.section(Step.WEIGHTS, formula, self.told.weights(), matrix)

    def output(self) -> Section:
        matrix = self.matrices.of_queries(self.steps.output)
        return self.writer.section(Step.OUTPUT, "output = weights V", self.told.output(), matrix)

    def _contribution(self) -> Section:
        from attnviz.renderers.explain.contribution import ContributionSection

        steps = self.steps  # which marks the queries that see nothing
        return ContributionSection(self.writer, self.computed, steps, self.matrices).section(self.told.told_of)
