"""What explain shows, decided as data: headings, sentences, matrices. The renderers only draw it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy

from attnviz.arrays import Array, to_numpy
from attnviz.attention import Steps
from attnviz.choices import Step
from attnviz.lessons import Lessons
from attnviz.renderers import numbers
from attnviz.selection import Selection
from attnviz.tokens import shorten, shown
from attnviz.trace import Layer, Trace

LABEL_CELLS = 16  # of a token in a sentence or a table
MAP_STEPS = (Step.SCORES, Step.SCALED, Step.MASKED, Step.WEIGHTS)


class Matrix(NamedTuple):
    """A table of numbers, ready to be drawn.

    corner   what the rows and the columns are
    rows     the label of each row, columns the label of each column
    cells    the numbers as text
    tints    where each number lies between the smallest (0) and the largest (1); None: not a number to compare
    """

    corner: str
    rows: list[str]
    columns: list[str]
    cells: list[list[str]]
    tints: list[list[float | None]]


class Heading(NamedTuple):
    """A line that opens a part: the whole (level 1), a layer or a head (level 2)."""

    level: int
    text: str
    facts: str = ""


class Section(NamedTuple):
    """One step: its name, its formula, sentences about it, its numbers."""

    title: str
    formula: str
    sentences: list[str]
    matrices: list[Matrix]
    lines: Sequence[str] = ()  # arithmetic, line for line


class Looks(NamedTuple):
    """How much is shown, and in which words."""

    lessons: Lessons
    precision: int = 4
    max_tokens: int = 16
    quiet: bool = False


def explain(trace: Trace, selection: Selection, looks: Looks) -> Iterator[Heading | Section]:
    """Everything that explain says of the selected part of ``trace``, in the order in which a person computes it."""
    say = looks.lessons.say
    yield Heading(1, _sentence(trace.tokens, looks.max_tokens))
    for layer, heads in selection.layers:
        facts = {
            "heads": layer.heads,
            "dimension": layer.query.shape[-1],
            "scale": numbers.number(layer.scale, looks.precision),
        }
        queries, keys = layer.query.shape[-2], layer.key.shape[-2]
        yield Heading(
            2,
            say("label.layer", layer=layer.index) + (f": {layer.name}" if layer.name else ""),
            say("label.facts", tokens=queries, **facts)
            if queries == keys
            else say("label.keys", queries=queries, keys=keys, **facts),
        )
        parts = LayerSections(trace, layer, heads, selection, looks)
        yield from (
            section for section in parts.sections() if isinstance(section, Heading) or section.matrices or section.lines
        )


class LayerSections:
    """The sections of one layer. Each method tells one step; they share what all of them need."""

    def __init__(self, trace: Trace, layer: Layer, heads: Sequence[int], selection: Selection, looks: Looks) -> None:
        self.layer, self.heads, self.selection, self.looks = layer, heads, selection, looks
        self.say = looks.lessons.say
        self.query_names = [_name(token) for token in trace.query_tokens(layer)]
        self.key_names = [_name(token) for token in trace.key_tokens(layer)]
        self.rotated = trace.source.get("position") == "rope"
        self.alibi = trace.source.get("position") == "alibi"
        inputs = layer.inputs
        self.same = inputs is not None and all(
            array.shape[0] == 1 and array.shape[1:] == inputs.shape and bool((array[0] == inputs).all())
            for array in (layer.query, layer.key, layer.value)
        )

    def sections(self) -> Iterator[Heading | Section]:
        from attnviz.renderers.arithmetic import pair_section

        wanted = self.selection.steps
        if self.selection.pair is None:
            yield from self._before_heads(wanted)
        outputs = []
        together = Step.CONCAT in wanted or Step.PROJECTED in wanted
        for head in range(self.layer.heads):
            if head not in self.heads and not together:
                continue
            steps = Steps(*map(to_numpy, self.layer.steps(head)))
            outputs.append(steps.output)
            if head not in self.heads:
                continue
            if self.layer.heads > 1:
                yield self._head_heading(head)
            if self.selection.pair is not None:
                yield pair_section(
                    self.layer, head, steps, *self.selection.pair, self.query_names, self.key_names, self.looks
                )
                continue
            yield from self._of_head(head, steps, wanted)
        if self.selection.pair is None and self.layer.heads > 1 and together:
            yield from self._after_heads(numpy.stack(outputs), wanted)

    def _before_heads(self, wanted: Sequence[Step]) -> Iterator[Section]:
        layer = self.layer
        if layer.embeddings is None:
            return
        embeddings = to_numpy(layer.embeddings)
        if Step.EMBEDDINGS in wanted:
            sentences = [
                self.say("embeddings.what", dimension=embeddings.shape[1]),
                self.say("embeddings.here", token=self.query_names[0], vector=self._vector(embeddings[0])),
            ]
            if self.same:
                sentences.append(self.say("query.same"))
            formula = "X" if layer.positions is None else "E"
            yield self._section(
                Step.EMBEDDINGS, formula, sentences, [self._vectors("token", self.query_names, embeddings)]
            )
        if layer.positions is None:
            return
        for step, formula, array in ((Step.POSITIONS, "P", layer.positions), (Step.INPUTS, "X = E + P", layer.inputs)):
            if step in wanted:
                yield self._section(
                    step, formula, [self.say(f"{step.value}.what")], [self._vectors("token", self.query_names, array)]
                )

    def _of_head(self, head: int, steps: Steps, wanted: Sequence[Step]) -> Iterator[Section]:
        tell = {
            Step.SCORES: self._scores,
            Step.SCALED: self._scaled,
            Step.MASKED: self._masked,
            Step.WEIGHTS: self._weights,
            Step.OUTPUT: self._output,
        }
        for step in wanted:
            if step is Step.PROJECTIONS and {"query", "key", "value"} <= self.layer.projections.keys():
                yield self._projections(head)
            elif step in (Step.QUERY, Step.KEY, Step.VALUE) and not self.same:
                yield self._projected_inputs(step, head)
            elif step in tell:
                yield tell[step](head, steps)

    def _head_heading(self, head: int) -> Heading:
        kv_head = self.layer.kv_head(head)
        if self.layer.key.shape[0] == self.layer.heads:
            return Heading(3, self.say("label.head", head=head))
        return Heading(3, self.say("label.kv_head", head=head, kv_head=kv_head))

    def _projections(self, head: int) -> Section:
        matrices, sentences = [], [self.say("projections.what")]
        for name, letter in (("query", "Q"), ("key", "K"), ("value", "V")):
            projection, array = self.layer.projections[name], getattr(self.layer, name)
            one = head if name == "query" else self.layer.kv_head(head)
            columns = slice(one * array.shape[-1], (one + 1) * array.shape[-1])
            weight = to_numpy(projection.weight)[:, columns]
            rows = [str(row) for row in range(len(weight))]
            if projection.bias is not None:
                weight = numpy.vstack([weight, to_numpy(projection.bias)[columns]])
                rows.append("bias")
            matrices.append(self._matrix(f"W_{letter}", rows, _dimensions(weight), weight))
        if any(self.layer.projections[name].bias is not None for name in ("query", "key", "value")):
            sentences.append(self.say("projections.bias"))
        return self._section(Step.PROJECTIONS, "W_Q, W_K, W_V", sentences, matrices)

    def _projected_inputs(self, step: Step, head: int) -> Section:
        letter = step.value[0].upper()
        array = getattr(self.layer, step.value)
        one = head if step is Step.QUERY else self.layer.kv_head(head)
        names = self.query_names if step is Step.QUERY else self.key_names
        sentences = [self.say(f"{step.value}.what")]
        if self.rotated and step is not Step.VALUE:
            sentences.append(self.say(f"{step.value}.rotated"))
        known = step.value in self.layer.projections
        return self._section(
            step,
            f"{letter} = X W_{letter}" if known else letter,
            sentences,
            [self._vectors(step.value, names, array[one])],
        )

    def _scores(self, _: int, steps: Steps) -> Section:
        query, key = _largest(steps.scores)
        here = self.say(
            "scores.here",
            query=self.query_names[query],
            key=self.key_names[key],
            score=self._number(steps.scores[query, key]),
        )
        return self._section(Step.SCORES, "scores = Q Kᵀ", [self.say("scores.what"), here], [self._map(steps.scores)])

    def _scaled(self, _: int, steps: Steps) -> Section:
        layer, softcap = self.layer, self.layer.rule.softcap
        dimension, scale = layer.query.shape[-1], self._number(layer.scale)
        formula = "scaled = scores / √d_k"
        if layer.rule.scale is None:
            sentences = [self.say("scaled.root", dimension=dimension, scale=scale)]
        elif layer.scale == 1:
            formula, sentences = "scaled = scores", [self.say("scaled.one")]
        else:
            formula, sentences = (
                f"scaled = scores × {scale}",
                [self.say("scaled.given", scale=scale, dimension=dimension)],
            )
        if softcap is not None:
            formula += f"; {softcap:g} · tanh(scaled / {softcap:g})"
            sentences.append(self.say("scaled.softcap", softcap=f"{softcap:g}"))
        query, key = _largest(steps.scores)
        score, scaled = self._number(steps.scores[query, key]), self._number(steps.scaled[query, key])
        sentences.append(
            self.say("scaled.here", query=self.query_names[query], key=self.key_names[key], score=score, scaled=scaled)
        )
        return self._section(Step.SCALED, formula, sentences, [self._map(steps.scaled)])

    def _masked(self, head: int, steps: Steps) -> Section:
        rule, sentences = self.layer.rule, []
        hidden = int((steps.masked == -math.inf).sum())
        if rule.bias is not None:
            bias = to_numpy(rule.bias)
            slope = -float(bias[head, 0, -1]) / max(bias.shape[-1] - 1, 1) if self.alibi else 0.0
            sentences.append(
                self.say("masked.alibi", slope=self._number(slope)) if self.alibi else self.say("masked.bias")
            )
        if rule.causal:
            sentences.append(self.say("masked.causal"))
        if rule.window is not None:
            sentences.append(self.say("masked.window", window=rule.window))
        if rule.mask is not None:
            sentences.append(self.say("masked.mask"))
        if hidden:
            sentences.append(self.say("masked.why", hidden=hidden, cells=steps.masked.size))
        sentences += [
            self.say("masked.blind", query=self.query_names[query]) for query in numpy.flatnonzero(steps.blind)[:3]
        ]
        formula = (
            "masked = scaled" + (" + bias" if rule.bias is not None else "") + ("; hidden cells −∞" if hidden else "")
        )
        return self._section(Step.MASKED, formula, sentences or [self.say("masked.nothing")], [self._map(steps.masked)])

    def _weights(self, _: int, steps: Steps) -> Section:
        sentences = [self.say("weights.what")]
        query = _telling(steps)
        if query is not None:
            key = int(steps.weights[query].argmax())
            sentences.append(
                self.say(
                    "weights.here",
                    query=self.query_names[query],
                    key=self.key_names[key],
                    weight=f"{steps.weights[query, key]:.2f}",
                )
            )
            if self.layer.rule.sinks is None:
                sentences.append(self.say("weights.sum"))
            else:
                share = f"{1 - steps.weights[query].sum():.2f}"
                sentences.append(self.say("weights.sink", query=self.query_names[query], share=share))
        sums = steps.weights.sum(axis=-1)
        return self._section(Step.WEIGHTS, "weights = softmax(masked)", sentences, [self._map(steps.weights, sums)])

    def _output(self, _: int, steps: Steps) -> Section:
        sentences, query = [self.say("output.what")], _telling(steps)
        if query is not None:
            sentences.append(
                self.say("output.here", query=self.query_names[query], vector=self._vector(steps.output[query]))
            )
        return self._section(
            Step.OUTPUT, "output = weights V", sentences, [self._vectors("query", self.query_names, steps.output)]
        )

    def _after_heads(self, outputs: numpy.ndarray, wanted: Sequence[Step]) -> Iterator[Heading | Section]:
        yield Heading(3, self.say("label.together"))
        concat = self.layer.concat(outputs)
        heads, _, dimension = outputs.shape
        if Step.CONCAT in wanted:
            sentence = self.say("concat.what", heads=heads, dimension=dimension, width=heads * dimension)
            yield self._section(
                Step.CONCAT,
                "concat = [head 0, head 1, …]",
                [sentence],
                [self._vectors("query", self.query_names, concat)],
            )
        projected = self.layer.projected(concat)
        if Step.PROJECTED in wanted and projected is not None:
            projection = self.layer.projections["output"]
            weight = to_numpy(projection.weight)
            rows = [str(row) for row in range(len(weight))]
            if projection.bias is not None:
                weight, rows = numpy.vstack([weight, to_numpy(projection.bias)]), [*rows, "bias"]
            matrices = [
                self._matrix("W_O", rows, _dimensions(weight), weight),
                self._vectors("query", self.query_names, to_numpy(projected)),
            ]
            yield self._section(Step.PROJECTED, "projected = concat W_O", [self.say("projected.what")], matrices)

    def _section(self, step: Step, formula: str, sentences: list[str], matrices: list[Matrix]) -> Section:
        return Section(self.say(f"title.{step.value}"), formula, [] if self.looks.quiet else sentences, matrices)

    def _map(self, values: numpy.ndarray, sums: numpy.ndarray | None = None) -> Matrix:
        """A matrix of queries × keys, with the sum of each row if asked for."""
        corner = f"{self.say('label.query')} ↓ {self.say('label.key')} →"
        matrix = self._matrix(
            corner, self.query_names, self.key_names, values, self.selection.query, self.selection.key
        )
        if sums is None:
            return matrix
        rows, _ = self._shown(len(sums), self.selection.query)
        column = numbers.matrix(sums[:, None], self.looks.precision)
        words = [column[row][0] if row is not None else "…" for row in rows]
        return matrix._replace(
            columns=[*matrix.columns, self.say("label.sum")],
            cells=[[*cells, word] for cells, word in zip(matrix.cells, words, strict=True)],
            tints=[[*tints, None] for tints in matrix.tints],
        )

    def _vectors(self, side: str, names: Sequence[str], values: Array) -> Matrix:
        """One vector a token: rows are the tokens, columns their dimensions."""
        only = {"query": self.selection.query, "key": self.selection.key, "value": self.selection.key}.get(side)
        label = {"query": "label.query", "key": "label.key", "value": "label.key"}.get(side, "label.token")
        array = to_numpy(values)
        return self._matrix(self.say(label), names, _dimensions(array), array, only)

    def _matrix(
        self,
        corner: str,
        rows: Sequence[str],
        columns: Sequence[str],
        values: numpy.ndarray,
        only_row: int | None = None,
        only_column: int | None = None,
    ) -> Matrix:
        """``values`` cut to what is shown: the tokens asked for, or as many as fit, the cut said in words."""
        row_places, row_gap = self._shown(len(rows), only_row)
        column_places, column_gap = self._shown(len(columns), only_column)
        kept = values[numpy.ix_(_kept(row_places), _kept(column_places))]
        words, tints = numbers.matrix(kept, self.looks.precision), _tints(kept)
        return Matrix(
            corner,
            _labels(rows, row_places, self._more(row_gap)),
            _labels(columns, column_places, self._more(column_gap)),
            _with_gaps(words, row_places, column_places, "…"),
            _with_gaps(tints, row_places, column_places, None),
        )

    def _shown(self, count: int, only: int | None) -> tuple[list[int | None], int]:
        """Which of ``count`` places are shown (None: the gap), and how many are not."""
        if only is not None:
            return [only], 0
        most = self.looks.max_tokens
        if count <= most:
            return list(range(count)), 0
        first, last = math.ceil(most / 2), most // 2
        return [*range(first), None, *range(count - last, count)], count - most

    def _more(self, count: int) -> str:
        return self.say("label.more", count=f"{count:,}")

    def _number(self, value: float) -> str:
        return numbers.number(float(value), self.looks.precision)

    def _vector(self, values: numpy.ndarray) -> str:
        return numbers.vector(values, self.looks.precision)


def _name(token: str) -> str:
    return shorten(shown(token), LABEL_CELLS)


def _sentence(tokens: Sequence[str], most: int) -> str:
    """The tokens as one line, so that a person sees where they are cut."""
    names = [_name(token) for token in tokens]
    return " ".join(names if len(names) <= 2 * most else [*names[:most], "…", *names[-most:]])


def _largest(values: numpy.ndarray) -> tuple[int, int]:
    query, key = numpy.unravel_index(int(values.argmax()), values.shape)
    return int(query), int(key)


def _telling(steps: Steps) -> int | None:
    """The query to speak of: the last that sees a key, for under a causal mask it sees the most."""
    seeing = numpy.flatnonzero(~steps.blind)
    return int(seeing[-1]) if len(seeing) else None


def _dimensions(values: numpy.ndarray) -> list[str]:
    return [str(column) for column in range(values.shape[-1])]


def _kept(places: list[int | None]) -> list[int]:
    return [place for place in places if place is not None]


def _labels(names: Sequence[str], places: list[int | None], more: str) -> list[str]:
    return [more if place is None else names[place] for place in places]


def _with_gaps(cells: list[list[Any]], rows: list[int | None], columns: list[int | None], gap: Any) -> list[list[Any]]:
    """``cells`` with ``gap`` in the places that stand for what is left out."""
    if None in columns:
        at = columns.index(None)
        cells = [[*row[:at], gap, *row[at:]] for row in cells]
    if None in rows:
        at = rows.index(None)
        cells = [*cells[:at], [gap] * len(columns), *cells[at:]]
    return cells


def _tints(values: numpy.ndarray) -> list[list[float | None]]:
    finite = numpy.isfinite(values)
    if not finite.any():
        return [[None] * values.shape[1] for _ in values]
    low, high = values[finite].min(), values[finite].max()
    spread = high - low if high > low else 1.0
    tints = numpy.where(finite, (numpy.where(finite, values, low) - low) / spread, -1.0)
    return [[None if tint < 0 else tint for tint in row] for row in tints.tolist()]
