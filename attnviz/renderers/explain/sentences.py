"""What is said of each step of one head. renderers/page/script/sentences.js says the same of one query."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.attention.checks import boolean_mask
from attnviz.attention.known_weights import rounding, sum_tolerance
from attnviz.attention.visibility import Visibility
from attnviz.renderers.explain.writer import Writer
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.facts import whose_bias

MOST_BLIND = 3  # queries named one by one when they see nothing
MOST_NAMED = 4  # keys, or pairs, named one by one when they tie
EQUAL = 1e-9  # relative: numbers that are closer differ only by the rounding of their arithmetic


class HeadSentences:
    """The sentences of one head; each method says those of one step, of what is shown.

    ``steps`` are the head's, (queries, keys) and (queries, d_v); or its weights alone.
    """

    def __init__(self, writer: Writer, head: int, steps: Any) -> None:
        self.writer, self.head, self.steps = writer, head, steps
        self.layer, self.selected, self.say, self.new = writer.layer, writer.selected, writer.say, writer.new

    def scores(self) -> list[str]:
        return [*self.new(self.say("scores.what")), self._largest_score()]

    def scaled(self) -> list[str]:
        rule, dimension = self.layer.rule, self.layer.query.shape[-1]
        scale = self.writer.factor(self.layer.scale)
        if rule.scale is None:
            sentences = [self.say("scaled.root", dimension=dimension, scale=scale)]
        elif rule.scale == 1:
            sentences = [self.say("scaled.one")]
        else:
            sentences = [self.say("scaled.given", scale=scale, dimension=dimension)]
        if rule.softcap is not None:
            sentences.append(self.say("scaled.softcap", softcap=f"{rule.softcap:g}"))
        (query, key), *_ = self._best[0]
        score, scaled = (self.writer.number(step[query, key]) for step in (self.steps.scores, self.steps.scaled))
        return [*self.new(*sentences), self.say("scaled.here", **self._names(query, key), score=score, scaled=scaled)]

    def masked(self) -> list[str]:
        return self.new(*(self.what_is_hidden or [self.say("masked.nothing")]))

    @cached_property
    def what_is_hidden(self) -> list[str]:
        """What the rule does to the cells, said already or not; nothing where it leaves all as they are."""
        return [*self._reasons(), *self._hidden_cells(), *self._blind()]

    def weights(self) -> list[str]:
        say, merged = self.say, self.writer.trace.source.merged
        alone = [say("weights.merged" if merged else "weights.alone"), say("weights.given")]
        what = alone if self.layer.weights_alone else [say("weights.what")]
        hidden = [*self._reasons(), *self._blind()] if self.layer.weights_alone else []
        sentences, query = self.new(*what, *hidden), self.told_of
        if query is not None:
            row = self.steps.weights[query]
            sentences += [*self._looks_most(query, row), *self._adds_up(query, row)]
        return sentences

    def output(self) -> list[str]:
        sentences, query = self.new(self.say("output.what")), self.told_of
        if query is not None:
            vector = self.writer.vector(self.steps.output[query])
            sentences.append(self.say("output.here", query=self.writer.queries[query], vector=vector))
        return sentences

    @cached_property
    def _rounding(self) -> float:
        """How far the sum of a row may be from 1; any distance, where the weights are attnviz's own."""
        if self.layer.weights is None:
            return math.inf
        return sum_tolerance(rounding(self.layer.weights), self.layer.keys)

    @property
    def hides(self) -> bool:
        """Whether any of the cells that are shown is hidden."""
        return bool(self._shown(self.steps.hidden).any())

    @cached_property
    def _best(self) -> tuple[list[tuple[int, int]], int]:
        """The first pairs of a query and a key that have the largest score of those that are shown, and how many have it."""
        scores = self._shown(self.steps.scores)
        ties = numpy.argwhere(equal(scores, scores.max()))  # (pairs, 2)
        queries, keys = self.selected.shown_queries, self.selected.shown_keys
        return [(queries[row], keys[column]) for row, column in ties[: MOST_NAMED + 1].tolist()], len(ties)

    @property
    def told_of(self) -> int | None:
        """The query to speak of: the one asked for, else the last that sees a key; under a causal mask it sees the most."""
        is_blind = self.steps.blind  # once: it looks at all cells
        return next((query for query in reversed(self.selected.shown_queries) if not is_blind[query]), None)

    def _largest_score(self) -> str:
        pairs, count = self._best
        score = self.writer.number(self.steps.scores[pairs[0]])
        if count == 1:
            return self.say("scores.here", **self._names(*pairs[0]), score=score)
        told = [self.say("scores.pair", **self._names(*pair)) for pair in pairs]
        return self.say("scores.tie", count=f"{count:,}", score=score, pairs=listed(told))

    def _reasons(self) -> Iterator[str]:
        """What the rule does to cells, whether it hides any of those that are shown or not."""
        rule, slopes = self.layer.rule, self.layer.slopes
        if rule.bias is not None:
            if slopes is None:
                yield self.say(whose_bias(self.writer.trace.source))
            else:
                yield self.say("masked.alibi", slope=self.writer.number(slopes[self.head]))
        if rule.causal:
            yield self.say("masked.causal")
        if rule.window is not None:
            yield self.say("masked.window", window=rule.window)
        if rule.mask is not None:
            yield self.say("masked.mask")

    def _hidden_cells(self) -> Iterator[str]:
        hidden = self._shown(self.steps.hidden)
        if hidden.any():
            yield self.say("masked.why", hidden=int(hidden.sum()), cells=hidden.size)
        if (lowered := self._lowered()) is not None:
            yield self.say("masked.lowered", value=numbers.brief(lowered))

    def _lowered(self) -> float | None:
        """How far the bias lowers a cell that nothing but its finite number hides, at the most; None where it hides none."""
        rule = self.layer.rule.of_head(self.head)
        if rule.bias is None:
            return None
        queries, keys = self.steps.scores.shape
        bias = numpy.broadcast_to(to_numpy(rule.bias), (queries, keys))
        mask = None if rule.mask is None else to_numpy(boolean_mask(rule.mask))
        visible = Visibility.of(rule, queries, keys, mask).block(slice(0, queries), slice(0, keys), numpy, "cpu")
        lowered = self.steps.hidden & (bias > -math.inf) & (True if visible is None else visible)
        values = self._shown(self.steps.scaled + bias)[self._shown(lowered)]
        return float(values.min()) if values.size else None

    def _blind(self) -> Iterator[str]:
        is_blind = self.steps.blind  # once: it looks at all cells
        blind = [query for query in self.selected.shown_queries if is_blind[query]]
        for query in blind[:MOST_BLIND]:
            yield self.say("masked.blind", query=self.writer.queries[query])
        if len(blind) > MOST_BLIND:
            yield self.writer.matrices.more(len(blind) - MOST_BLIND)

    def _looks_most(self, query: int, row: numpy.ndarray) -> Iterator[str]:
        """At which of the keys ``query`` looks most; nothing where the table does not show all of these."""
        kept = numpy.array(self.selected.all_keys)
        largest = row[kept].max()
        ties = kept[equal(row[kept], largest)]
        if not largest or not numpy.isin(ties, self.selected.shown_keys).all():
            return
        weight = numbers.share(float(largest))
        if len(ties) == 1:
            yield self.say("weights.here", **self._names(query, int(ties[0])), weight=weight)
        else:
            keys = listed([self.writer.keys[tie].quoted for tie in ties[: MOST_NAMED + 1]])
            yield self.say("weights.tie", query=self.writer.queries[query], weight=weight, keys=keys)

    def _adds_up(self, query: int, row: numpy.ndarray) -> Iterator[str]:
        """What the weights of ``query`` add up to, where the table shows them all, and who has the rest."""
        name, keys = self.writer.queries[query], self.selected.keys
        if keys is not None:
            left_out = float(numpy.delete(row, keys).sum())
            yield self.say("weights.left_out", query=name, share=numbers.share(left_out))
        if self.selected.narrows_keys:
            return
        if self.layer.rule.sinks is not None:
            yield self.say("weights.sink", query=name, share=numbers.share(float(1 - row.sum())))
        elif abs(1 - (total := float(row.sum(dtype=float)))) > self._rounding:
            yield self.say("weights.adds", query=name, sum=numbers.share(total))
        elif keys is None:
            yield from self.new(self.say("weights.sum"))

    def _shown(self, cells: numpy.ndarray) -> numpy.ndarray:
        """queries × keys → those that are shown."""
        return cells[numpy.ix_(self.selected.shown_queries, self.selected.shown_keys)]

    def _names(self, query: int, key: int) -> dict[str, object]:
        return {"query": self.writer.queries[query], "key": self.writer.keys[key]}


def equal(values: numpy.ndarray, value: float | numpy.ndarray) -> numpy.ndarray:
    """Which of ``values`` are ``value``, or that of their row, but for the rounding of their arithmetic."""
    return numpy.asarray(numpy.isclose(values, value, rtol=EQUAL, atol=0))


def listed(words: Sequence[str]) -> str:
    """The first MOST_NAMED of ``words``, and a sign that there are more."""
    return ", ".join([*words[:MOST_NAMED], *["…"][: len(words) > MOST_NAMED]])
