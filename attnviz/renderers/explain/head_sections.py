"""What explain says of one head: a section for each step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.attention.checks import boolean_mask
from attnviz.attention.formula import Steps
from attnviz.attention.visibility import Visibility
from attnviz.choices import Step
from attnviz.renderers.explain.document import Section
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared import numbers

MOST_BLIND = 3  # queries named one by one when they see nothing
MOST_NAMED = 4  # keys named one by one when they tie


class HeadSections:
    """The sections of one head; each method tells one step.

    ``bare`` says that Q, K and V are the inputs themselves, which need no tables of their own.
    """

    def __init__(self, writer: Writer, head: int, bare: bool) -> None:
        self.writer, self.head, self.bare = writer, head, bare
        self.layer, self.say, self.matrices = writer.layer, writer.say, writer.matrices

    @cached_property
    def steps(self) -> Steps:
        """The head's steps as NumPy arrays, (queries, keys) and (queries, d_v); computed when they are first looked at."""
        steps = Steps(*map(to_numpy, self.layer.steps(self.head)))
        self.matrices = self.matrices.marking(numpy.flatnonzero(steps.blind))
        return steps

    def sections(self) -> Iterator[Section]:
        tell = {
            Step.SCORES: self._scores,
            Step.SCALED: self._scaled,
            Step.MASKED: self._masked,
            Step.WEIGHTS: self._weights,
            Step.OUTPUT: self._output,
        }
        for step in self.writer.steps:
            if step is Step.PROJECTIONS and {"query", "key", "value"} <= self.layer.projections.keys():
                yield self._projections()
            elif step in (Step.QUERY, Step.KEY, Step.VALUE) and (
                not self.bare or Step.EMBEDDINGS not in self.writer.steps
            ):
                yield self._projected(step)
            elif step in tell:
                yield tell[step]()

    def _projections(self) -> Section:
        matrices, sentences = [], [self.say("projections.what")]
        for name, array in (("query", self.layer.query), ("key", self.layer.key), ("value", self.layer.value)):
            head = self.head if name == "query" else self.layer.kv_head(self.head)
            columns = slice(head * array.shape[-1], (head + 1) * array.shape[-1])
            projection = self.layer.projections[name]
            matrices.append(self.matrices.of_projection(f"W_{name[0].upper()}", projection, columns))
        if any(self.layer.projections[name].bias is not None for name in ("query", "key", "value")):
            sentences.append(self.say("projections.bias"))
        return self.writer.section(Step.PROJECTIONS, "W_Q, W_K, W_V", sentences, *matrices)

    def _projected(self, step: Step) -> Section:
        """Q, K or V; of several heads on one key/value head, each shows the one that it reads."""
        array, letter = getattr(self.layer, step.value), step.value[0].upper()
        sentences = [self.say(f"{step.value}.what")]
        if self.layer.rotary and step is not Step.VALUE:
            sentences.append(self.say(f"{step.value}.rotated"))
        if step is Step.QUERY:
            matrix = self.matrices.of_queries(array[self.head])
        else:
            matrix = self.matrices.of_keys(array[self.layer.kv_head(self.head)])
        formula = f"{letter} = X W_{letter}" if step.value in self.layer.projections else letter
        return self.writer.section(step, formula, sentences, matrix)

    def _scores(self) -> Section:
        query, key = self._best()
        here = self.say("scores.here", **self._names(query, key), score=self._number(self.steps.scores[query, key]))
        matrix = self.matrices.of_cells(self.steps.scores)
        return self.writer.section(Step.SCORES, "scores = Q Kᵀ", [self.say("scores.what"), here], matrix)

    def _scaled(self) -> Section:
        rule, dimension = self.layer.rule, self.layer.query.shape[-1]
        scale = self._number(self.layer.scale)
        if rule.scale is None:
            formula, sentence = "scores / √d_k", self.say("scaled.root", dimension=dimension, scale=scale)
        elif rule.scale == 1:
            formula, sentence = "scores", self.say("scaled.one")
        else:
            formula, sentence = f"scores × {scale}", self.say("scaled.given", scale=scale, dimension=dimension)
        sentences = [sentence]
        if rule.softcap is not None:
            cap = f"{rule.softcap:g}"
            formula = f"{cap} · tanh({formula} / {cap})"
            sentences.append(self.say("scaled.softcap", softcap=cap))
        query, key = self._best()
        score, scaled = self._number(self.steps.scores[query, key]), self._number(self.steps.scaled[query, key])
        sentences.append(self.say("scaled.here", **self._names(query, key), score=score, scaled=scaled))
        return self.writer.section(
            Step.SCALED, f"scaled = {formula}", sentences, self.matrices.of_cells(self.steps.scaled)
        )

    def _masked(self) -> Section:
        rule, lowered = self.layer.rule, self._lowered()
        cells = self._kept(self.steps.hidden)
        hidden = int(cells.sum())
        sentences = []
        if rule.bias is not None:
            slopes = self.layer.slopes
            sentences.append(
                self.say("masked.bias")
                if slopes is None
                else self.say("masked.alibi", slope=self._number(slopes[self.head]))
            )
        if rule.causal:
            sentences.append(self.say("masked.causal"))
        if rule.window is not None:
            sentences.append(self.say("masked.window", window=rule.window))
        if rule.mask is not None:
            sentences.append(self.say("masked.mask"))
        if hidden:
            sentences.append(self.say("masked.why", hidden=hidden, cells=cells.size))
        if lowered is not None:
            sentences.append(self.say("masked.lowered", value=f"{lowered:.3g}"))
        blind = [query for query in self.writer.selected.query_positions if self.steps.blind[query]]
        sentences += [self.say("masked.blind", query=self.writer.query_names[query]) for query in blind[:MOST_BLIND]]
        if len(blind) > MOST_BLIND:
            sentences.append(self.matrices.more(len(blind) - MOST_BLIND))
        formula = (
            "masked = scaled"
            + (" + bias" if rule.bias is not None else "")
            + (f"; {self.say('label.hidden')} −∞" if hidden else "")
        )
        return self.writer.section(
            Step.MASKED, formula, sentences or [self.say("masked.nothing")], self.matrices.of_cells(self.steps.masked)
        )

    def _lowered(self) -> float | None:
        """How far the bias lowers a cell that nothing but its finite number hides, at the most; None where it hides none."""
        rule, (queries, keys) = self.layer.rule.of_head(self.head), self.steps.scores.shape
        if rule.bias is None:
            return None
        bias = numpy.broadcast_to(to_numpy(rule.bias), (queries, keys))
        mask = None if rule.mask is None else to_numpy(boolean_mask(rule.mask))
        visibility = Visibility.of(rule, queries, keys, mask)
        visible = visibility.block(slice(0, queries), slice(0, keys), numpy, "cpu")
        lowered = self.steps.hidden & (bias > -math.inf) & (True if visible is None else visible)
        values = self._kept(self.steps.scaled + bias)[self._kept(lowered)]
        return float(values.min()) if values.size else None

    def _weights(self) -> Section:
        weights, query = self.steps.weights, self._telling()
        sentences = [self.say("weights.what")]
        if query is not None:
            sentences += [*self._looks_most(query, weights[query]), *self._adds_up(query, weights[query])]
        matrix = self.matrices.of_weights(weights, self.steps.hidden)
        return self.writer.section(Step.WEIGHTS, "weights = softmax(masked)", sentences, matrix)

    def _looks_most(self, query: int, row: numpy.ndarray) -> Iterator[str]:
        """At which of the keys ``query`` looks most; nothing where the table does not show it."""
        selected = self.writer.selected
        kept = numpy.array(selected.key_positions)
        key = int(kept[row[kept].argmax()])
        if selected.key not in (None, key) or not row[key]:
            return
        weight = numbers.share(float(row[key]))
        ties = kept[numpy.isclose(row[kept], row[key], rtol=1e-9, atol=0)]
        if len(ties) == 1:
            yield self.say("weights.here", **self._names(query, key), weight=weight)
        else:
            names = ", ".join(f"`{self.writer.key_names[tie]}`" for tie in ties[:MOST_NAMED])
            names += ", …" if len(ties) > MOST_NAMED else ""
            yield self.say("weights.tie", query=self.writer.query_names[query], weight=weight, keys=names)

    def _adds_up(self, query: int, row: numpy.ndarray) -> Iterator[str]:
        """What the weights of ``query`` add up to, and who has the rest."""
        name, keys = self.writer.query_names[query], self.writer.selected.keys
        if keys is not None:
            left_out = float(numpy.delete(row, keys).sum())
            yield self.say("weights.left_out", query=name, share=numbers.share(left_out))
        if self.layer.rule.sinks is not None:
            yield self.say("weights.sink", query=name, share=numbers.share(float(1 - row.sum())))
        elif keys is None:
            yield self.say("weights.sum")

    def _output(self) -> Section:
        sentences, query = [self.say("output.what")], self._telling()
        if query is not None:
            vector = self.writer.vector(self.steps.output[query])
            sentences.append(self.say("output.here", query=self.writer.query_names[query], vector=vector))
        output = self.steps.output
        matrix = self.matrices.of_queries(output)
        return self.writer.section(Step.OUTPUT, "output = weights V", sentences, matrix)

    def _best(self) -> tuple[int, int]:
        """The query and the key of the largest score among those that are shown."""
        queries, keys = self.writer.selected.shown_queries, self.writer.selected.shown_keys
        scores = self.steps.scores[numpy.ix_(queries, keys)]
        row, column = divmod(int(scores.argmax()), scores.shape[1])
        return queries[row], keys[column]

    def _telling(self) -> int | None:
        """The query to speak of: the one asked for, else the last that sees a key; under a causal mask it sees the most."""
        return next(
            (query for query in reversed(self.writer.selected.shown_queries) if not self.steps.blind[query]), None
        )

    def _kept(self, cells: numpy.ndarray) -> numpy.ndarray:
        """queries × keys → those that are not left out."""
        selected = self.writer.selected
        return cells[numpy.ix_(selected.query_positions, selected.key_positions)] if selected.skips_tokens else cells

    def _names(self, query: int, key: int) -> dict[str, str]:
        return {"query": self.writer.query_names[query], "key": self.writer.key_names[key]}

    def _number(self, value: float) -> str:
        return self.writer.number(value)
