"""What explain says of a head after the first: its weights and its output, and in words what it does otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy

from attnviz.analysis.blocks import ratio
from attnviz.renderers.explain.document import Abreast, Part, Section
from attnviz.renderers.explain.head_sections import HeadSections
from attnviz.renderers.explain.sentences import MOST_NAMED, equal, listed
from attnviz.renderers.shared import numbers


def other_head(first: HeadSections, other: HeadSections) -> Iterator[Part]:
    """The parts of ``other``, which is told beside ``first``, the head that was walked in full."""
    differences = Differences(first, other)
    title = other.say("title.otherwise", head=first.head)
    if not other.writer.looks.quiet and (sentences := differences.sentences()):
        yield Section(title, "", sentences, [])
    shown = [other.weights()] if other.layer.weights_alone else [other.weights(), other.output()]
    yield Abreast([section._replace(sentences=[], formula="") for section in shown])


class Differences:
    """What ``other`` does otherwise than ``first``, of what is shown of both."""

    def __init__(self, first: HeadSections, other: HeadSections) -> None:
        self.first, self.other, self.selected, self.say = first, other, other.writer.selected, other.say
        self.names = {"queries": other.writer.queries, "keys": other.writer.keys}

    def sentences(self) -> list[str]:
        """In the order of the steps: what is hidden, at what each Query looks most, how widely the head looks."""
        hidden = [one for one in self.other.told.what_is_hidden if one not in self.first.told.what_is_hidden]
        return [*hidden, *self._targets(), *self._width()]

    @cached_property
    def _seeing(self) -> list[int]:
        """The queries that are shown and see a key in both heads."""
        blind = self.first.steps.blind | self.other.steps.blind
        return [query for query in self.selected.shown_queries if not blind[query]]

    def _targets(self) -> Iterator[str]:
        """Which queries look most at another key than in the first head; nothing where not all keys are shown."""
        if self.selected.narrows_keys or not self._seeing:
            return
        moved = self._moved()
        head, queries = self.first.head, len(self._seeing)
        if not moved:
            yield self.say("other.same" if queries > 1 else "other.same_one", head=head)
            return
        pairs = [self._pair(query, key) for query, key in moved[: MOST_NAMED + 1]]
        if queries == 1:
            yield self.say("other.looks_alone", head=head, pairs=pairs[0])
        elif len(moved) == 1:
            yield self.say("other.looks_one", head=head, queries=queries, pairs=pairs[0])
        else:
            yield self.say("other.looks", count=len(moved), queries=queries, head=head, pairs=listed(pairs))

    def _moved(self) -> list[tuple[int, int]]:
        """Each query of which no key at which it looks most is one of the first head, and the key at which it looks most."""
        kept = numpy.array(self.selected.all_keys)
        cells = numpy.array(self._seeing)[:, None], kept
        rows = [head.steps.weights[cells] for head in (self.first, self.other)]  # (queries that see, keys) each
        first, other = (equal(row, row.max(axis=-1, keepdims=True)) for row in rows)
        found = zip(self._seeing, kept[other.argmax(axis=-1)], (first & other).any(axis=-1), strict=True)
        return [(query, int(key)) for query, key, same in found if not same]

    def _pair(self, query: int, key: int) -> str:
        weight = numbers.share(float(self.other.steps.weights[query, key]))
        return self.say("other.pair", query=self.names["queries"][query], key=self.names["keys"][key], weight=weight)

    def _width(self) -> Iterator[str]:
        """Over how many keys a query spreads its weights, where that differs."""
        if self.selected.narrows_keys or not self._seeing:
            return
        first, other = (_effective_keys(head.steps.weights[self._seeing]) for head in (self.first, self.other))
        if (told := f"{other:.1f}") != (before := f"{first:.1f}"):
            message = "other.wider" if other > first else "other.narrower"
            yield self.say(message, own=told, head=self.first.head, first=before)


def _effective_keys(weights: numpy.ndarray) -> float:
    """How many keys share the weight of a row, on average, had all the same: the metric of that name (analysis/metrics.py)."""
    return float(ratio(weights.sum(axis=-1) ** 2, (weights**2).sum(axis=-1)).mean())
