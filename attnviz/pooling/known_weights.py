"""The pooled map of weights that are there already: nothing is computed but the reduction itself, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy

from attnviz.attention.arrays import Array, as_floating, like, namespace, to_numpy
from attnviz.attention.known_weights import KnownWeights, known_weights, rounding, sum_tolerance
from attnviz.attention.rule import Rule
from attnviz.pooling.result import Pooled
from attnviz.progress import Progress

CELLS = 1 << 20  # weights at once


def pool_weights(
    weights: Array, rule: Rule, heads: Sequence[int], down: range, across: range, report: Progress
) -> Pooled:
    """``weights``, (heads, queries, keys), of these heads in cells of the steps of ``down`` and ``across``, as ``pool`` gives it.

    What a row lacks to 1 by more than rounding is in ``sink``: something that is not among the keys took it.
    """
    rule = rule.of_queries(down.start, down.stop, *map(int, weights.shape[1:]))
    rows = weights[:, down.start : down.stop]
    parts = [_of_head(rows, rule, head, down, across) for head in _told(heads, report)]
    mean, maximum, counted, *measures = (numpy.stack(some) for some in zip(*parts, strict=True))
    numbers = as_floating(weights[:1, :1, :1], "weights")
    entropy, largest, largest_key, first_key, sums = measures
    lacking = numpy.clip(1 - sums, 0, 1)
    sink = numpy.where(lacking > sum_tolerance(rounding(weights), int(weights.shape[-1])), lacking, 0.0)
    entropy = entropy - sink * numpy.log2(numpy.where(sink > 0, sink, 1.0))
    return Pooled(
        mean=like(numbers, mean),
        maximum=like(numbers, maximum),
        counted=None if rule.mask is None else like(numbers, counted),
        entropy=like(numbers, entropy),
        largest=like(numbers, largest),
        largest_key=like(numbers, largest_key, dtype=namespace(numbers).int64),
        first_key=like(numbers, first_key),
        sink=like(numbers, sink),
        heads=tuple(heads),
        query_edges=(*down, down.stop),
        key_edges=(*across, across.stop),
        rule=rule,
    )


def _told(heads: Sequence[int], report: Progress) -> Iterator[int]:
    """These heads one by one, each told when it is done."""
    for number, head in enumerate(heads, start=1):
        yield head
        report(number, len(heads))


def _of_head(weights: Array, rule: Rule, head: int, down: range, across: range) -> tuple[numpy.ndarray, ...]:
    """The mean, the largest and the visible share of each cell of a head; and of each row its entropy without what is
    lacking, its largest weight and that one's key, the first weight and the sum."""
    size = max(1, CELLS // int(weights.shape[-1]) // down.step) * down.step  # whole cells
    blocks = []
    for start in range(0, int(weights.shape[1]), size):
        stop = min(start + size, int(weights.shape[1]))
        part = rule.of_head(head).of_queries(start, stop, *map(int, weights.shape[1:]))
        steps = known_weights(weights[head, start:stop], part, head, down.start + start)
        blocks.append(_reduced(steps, down.step, across))
    return tuple(numpy.concatenate(some) for some in zip(*blocks, strict=True))


def _reduced(steps: KnownWeights, rows: int, across: range) -> tuple[numpy.ndarray, ...]:
    numbers = to_numpy(steps.weights).astype(numpy.float64)
    seen = ~to_numpy(steps.hidden)[:, across.start : across.stop]
    shown = numbers[:, across.start : across.stop]
    edges = numpy.arange(0, len(numbers), rows), numpy.arange(0, len(across) * across.step, across.step)[: len(across)]

    def cells(reduce: numpy.ufunc, array: numpy.ndarray) -> numpy.ndarray:
        return numpy.asarray(reduce.reduceat(reduce.reduceat(array, edges[1], axis=1), edges[0], axis=0))

    pairs = cells(numpy.add, numpy.ones(shown.shape))
    logarithms = numpy.log2(numpy.where(numbers > 0, numbers, 1.0))
    return (
        cells(numpy.add, shown) / pairs,
        cells(numpy.maximum, shown),
        cells(numpy.add, seen.astype(float)) / pairs,
        -numpy.einsum("qk,qk->q", numbers, logarithms),
        numbers.max(axis=1),
        numbers.argmax(axis=1),
        numbers[:, 0],
        numpy.where(to_numpy(steps.blind), 1.0, numbers.sum(axis=1)),  # where nothing is seen, nothing is lacking
    )
