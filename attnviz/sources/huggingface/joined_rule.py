"""The one rule of queries that came in several passes, each with the keys that a cache handed out.

A decoding step has one query, and its mask says nothing of the others: what a whole text's mask would have said is put
together here, query by query, and told in as few numbers as rule_from_mask.py finds for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy
import torch

from attnviz.attention.arrays import to_numpy
from attnviz.attention.memory import require_memory
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import is_spread, spread
from attnviz.attention.visibility import Visibility
from attnviz.errors import AttnvizError
from attnviz.sources.recording.rule_from_mask import MaskInRule, mask_in_rule
from attnviz.text.message import Message


class Pass(NamedTuple):
    """What one pass says: of its ``queries`` from position ``start`` on, over ``keys`` from position ``first`` on."""

    start: int
    queries: int
    first: int
    keys: int
    rule: Rule


class JoinedRule:
    """The rule of all queries that were added, over all of their own keys."""

    def __init__(self) -> None:
        self._passes = 0
        self._rule = Rule()  # the first one
        self._seen: list[tuple[int, Any, Any]] = []  # of each pass its start, and the first and last key of each query
        self._masks: list[tuple[Pass, numpy.ndarray]] = []  # of passes whose queries see keys with gaps in between
        self._bias = JoinedBias()

    def add(self, one: Pass) -> None:
        """Take one more pass, whose queries follow those before."""
        self._require_same(one.rule)
        self._bias.add(one)
        if one.queries == 1 and one.rule.mask is None:
            self._seen.append((one.start, one.first, one.first + one.keys - 1))
            return
        mask = _mask(one)
        first, last = mask.argmax(axis=1), mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)  # (queries,)
        if not (mask.sum(axis=1) == last - first + 1).all():  # a gap, or no key at all
            self._masks.append((one, mask))
        self._seen.append((one.start, one.first + first, one.first + last))

    def _require_same(self, rule: Rule) -> None:
        """Refuse what no single rule can say."""
        self._passes += 1
        if self._passes == 1:
            self._rule = rule
        before = self._rule
        if rule is before:
            return
        if (rule.scale, rule.softcap) != (before.scale, before.softcap) or not _same(rule.sinks, before.sinks):
            raise AttnvizError("its scale, softcap or sinks change from step to step, so its steps make no one map")
        if rule.mask is not None and rule.mask.ndim > 2 and rule.mask.shape[0] > 1:
            raise AttnvizError("its mask differs from head to head and step to step, so its steps make no one map")

    def rule(self, count: int) -> Rule:
        """The rule of the first ``count`` queries over as many keys."""
        if self._passes == 1:
            return self._rule
        told = self._told(count)
        bias = self._bias.whole(count)
        return replace(self._rule, causal=told.causal, query_offset=None, window=told.window, mask=told.mask, bias=bias)

    def _told(self, count: int) -> MaskInRule:
        first, last = (
            numpy.concatenate([numpy.atleast_1d(one[side]) for one in self._seen])[:count] for side in (1, 2)
        )
        rows = numpy.arange(count)
        if not self._masks and (last == rows).all():
            for told in self._candidates(int((rows - first).max()) + 1):
                if (numpy.maximum(Visibility.of(told, count, count).first(rows), 0) == first).all():
                    return MaskInRule(causal=True, window=told.window)
        require_memory(
            count * count,
            Message("which of {count:,} keys each of as many queries sees", count=count),
            "write fewer tokens",
        )
        mask = (rows >= first[:, None]) & (rows <= last[:, None])  # (queries, keys)
        for one, own in self._masks:
            stop = min(one.start + one.queries, count)
            mask[one.start : stop] = False
            mask[one.start : stop, one.first : one.first + one.keys] = own[: stop - one.start, : count - one.first]
        return mask_in_rule(torch.from_numpy(mask)[None])

    def _candidates(self, reach: int) -> Iterator[Rule]:
        """The rules that may say it: only causal, with the window of the first pass, with one as far as a query sees."""
        for window in (self._rule.window, None, reach):
            yield Rule(causal=True, window=window)


class JoinedBias:
    """What is added to the scores of all queries that were added.

    One that depends on the distance alone (T5's) is held as that, and grows with the text; any other as it came.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._by_distance: numpy.ndarray | None = None  # (heads, distances), from 0 on
        self._blocks: list[tuple[int, int, numpy.ndarray]] | None = None  # start, first key, (heads, queries, keys)

    def add(self, one: Pass) -> None:
        """Take the bias of one more pass, or that it has none."""
        bias = None if one.rule.bias is None else _of_heads(one.rule.bias)
        if self._blocks is None and not self._is_by_distance(bias, one):
            self._blocks = [] if self._by_distance is None else [(0, 0, self._spread(self._rows))]
        if self._blocks is not None and bias is not None:
            self._blocks.append((one.start, one.first, to_numpy(bias)))
        self._rows = one.start + one.queries

    def _is_by_distance(self, bias: Any, one: Pass) -> bool:
        """Whether all so far depends on the distance alone; if so, it is kept."""
        if bias is None:
            return self._by_distance is None
        if one.first or one.start + one.queries != one.keys or not (one.queries == 1 or is_spread(bias)):
            return False
        row = to_numpy(bias[:, -1])[:, ::-1]  # (heads, distances)
        before = self._by_distance
        if self._rows and (before is None or not numpy.array_equal(before, row[:, : before.shape[1]])):
            return False
        self._by_distance = row
        return True

    def _spread(self, count: int) -> numpy.ndarray:
        """(heads, count, count): keys behind a query by their distance, 0 ahead of it, where no query looks."""
        assert self._by_distance is not None
        behind = self._by_distance[:, :count][:, ::-1]
        return spread(numpy.concatenate([behind, numpy.zeros_like(behind[:, 1:])], axis=1), count)

    def whole(self, count: int) -> numpy.ndarray | None:
        """The bias of the first ``count`` queries over as many keys."""
        if self._blocks is None:
            return None if self._by_distance is None else self._spread(count)
        heads = max((block.shape[0] for _, _, block in self._blocks), default=1)
        require_memory(
            4 * heads * count * count,
            Message("a bias for {count:,} queries and keys", count=count),
            "write fewer tokens",
        )
        bias = numpy.zeros((heads, count, count), dtype=numpy.float32)
        for start, first, block in self._blocks:
            own = block[:, : count - start, : count - first]
            bias[:, start : start + own.shape[1], first : first + own.shape[2]] = own
        return bias


def _mask(one: Pass) -> numpy.ndarray:
    """Which of its keys each query of a pass sees, (queries, keys)."""
    rows, keys = numpy.arange(one.queries)[:, None], numpy.arange(one.keys)
    own = None if one.rule.mask is None else to_numpy(one.rule.mask)
    seen = Visibility.of(one.rule, one.queries, one.keys, own).cells(rows, keys)
    whole = numpy.ones((one.queries, one.keys), dtype=bool)
    return whole if seen is None else whole & seen.reshape((-1, *seen.shape[-1:]))


def _of_heads(bias: Any) -> Any:
    return bias[None] if bias.ndim == 2 else bias


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or bool((one == other).all())
