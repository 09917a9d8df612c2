"""Long texts, and regions of a text, in a page: maps of only weights, computed here and not in the browser.

Where there is not room for every pair, a cell is the exact mean, or the largest weight, of many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy

from attnviz.analysis.maps import Frame, framed, head_maps, pooled, pooled_maps
from attnviz.analysis.metrics import Metric
from attnviz.attention.arrays import namespace, to_numpy
from attnviz.choices import MapStep, Pool
from attnviz.pooling.tiles import visible_share
from attnviz.progress import Progress, no_progress
from attnviz.renderers.page.forms import BASE64
from attnviz.renderers.page.levels import FINE_LEVELS, in_levels
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.packing import PackedPart
from attnviz.renderers.shared import facts
from attnviz.renderers.shared.labels import name, unnamed
from attnviz.text.lessons import Lessons
from attnviz.trace.selection import LayerSelection
from attnviz.trace.trace import Trace

ROOM = 12_000_000  # bytes that all cells may take


class PooledLayer(NamedTuple):
    """What a page holds of one layer of a long text, or of a region of one."""

    selected: LayerSelection
    frame: Frame
    packed: PackedPart
    metrics: dict[str, list[float | None]]

    def labels(self, trace: Trace) -> tuple[list[str], list[str]]:
        """What each row and each column is: a token and its position, or the positions that it covers, "128–255"."""
        if self.frame.pooled:
            return _ranges(self.frame.queries), _ranges(self.frame.keys)
        layer = self.selected.layer
        return (
            _with_positions(trace.query_tokens(layer), self.selected.query_positions),
            _with_positions(trace.key_tokens(layer), self.selected.key_positions),
        )

    @property
    def cells(self) -> list[str] | None:
        """How many cells there are, and how many tokens each is of, down and across; None where each is one pair."""
        frame = self.frame
        return [f"{count:,}" for count in (*frame.shape, *frame.cell)] if frame.pooled else None

    def region(self, words: Lessons) -> str | None:
        """Which queries and keys these are; None where they are all."""
        if self.selected.whole:
            return None
        queries, keys = self.selected.ranges
        return f"{facts.queries(queries, words)}, {facts.keys(keys, words)}"


def pool_layers(
    selected_layers: Sequence[LayerSelection],
    limits: Limits = USUAL,
    choice: Pool = Pool.MEAN,
    report: Progress = no_progress,
) -> list[PooledLayer]:
    """The maps of each of ``selected_layers``. ``report`` is told how much is done, of how much."""
    layers: list[PooledLayer] = []
    for selected, frame in zip(selected_layers, frames(selected_layers, limits, choice), strict=True):

        def tell(done: int, of: int, before: int = len(layers)) -> None:
            report(before * of + done, len(selected_layers) * of)

        layers.append(_pool_layer(selected, frame, tell))
    return layers


def frames(selected_layers: Sequence[LayerSelection], limits: Limits = USUAL, choice: Pool = Pool.MEAN) -> list[Frame]:
    """The frame of each layer's maps: the same number of cells across for all."""
    most = cells_across(sum(len(selected.heads) for selected in selected_layers), limits)
    return [framed(selected, most, choice) for selected in selected_layers]


def cells_across(heads: int, limits: Limits = USUAL) -> int:
    """At most how many cells there are across each of ``heads`` maps."""
    return limits.cells if heads <= 1 else min(limits.cells_of_several, math.isqrt(ROOM // (2 * heads)))


def pooled_size(selected_layers: Sequence[LayerSelection], limits: Limits = USUAL) -> int:
    """About how many bytes of base64 the maps of ``selected_layers`` take: two a cell that causal and window let be seen, which is
    what compression leaves of weights that are much alike; where few keys take most of them, it leaves less.
    """
    cells = (
        len(selected.heads) * math.prod(frame.shape) * _seen_share(selected)
        for selected, frame in zip(selected_layers, frames(selected_layers, limits), strict=True)
    )
    return round(2 * sum(cells) * BASE64)


def _seen_share(selected: LayerSelection) -> float:
    """The share of its pairs that causal and window let be seen."""
    queries, keys = selected.ranges
    whole = selected.layer.queries, selected.layer.keys
    rule = selected.layer.rule.of_queries(queries.start, queries.stop, *whole)
    rows, columns = numpy.array([0, len(queries)]), numpy.array([keys.start, keys.stop])
    return float(visible_share(namespace(rows), rule, rows, columns, numpy.float64)[0, 0])


def _pool_layer(selected: LayerSelection, frame: Frame, report: Progress) -> PooledLayer:
    metrics: dict[str, list[float | None]] = {}
    if selected.skips_tokens:
        maps, _ = head_maps(selected, MapStep.WEIGHTS, frame, report)
    else:
        measures = pooled(selected, frame, report)
        maps = pooled_maps(measures, frame.pool)
        metrics[Metric.ENTROPY.value] = _means(to_numpy(measures.entropy), to_numpy(measures.largest) > 0)
    weights = numpy.stack(maps)  # (heads, query cells, key cells)
    hidden = weights == -math.inf
    levels, scales, error = in_levels(numpy.where(hidden, 0.0, weights), hidden, FINE_LEVELS)
    return PooledLayer(selected, frame, PackedPart({"levels": levels, "scales": scales}, error), metrics)


def _means(values: numpy.ndarray, sees: numpy.ndarray) -> list[float | None]:
    """The mean of each head over its queries that see a key, as stats has it, (heads, queries) → heads."""
    return [
        round(float(row[seen].mean(dtype=numpy.float64)), 6) if seen.any() else None
        for row, seen in zip(values, sees, strict=True)
    ]


def _ranges(side: range) -> list[str]:
    lasts = (min(start + side.step, side.stop) - 1 for start in side)
    return [f"{start:,}–{last:,}" if start < last else f"{start:,}" for start, last in zip(side, lasts, strict=True)]


def _with_positions(tokens: Sequence[str], positions: Sequence[int]) -> list[str]:
    if unnamed(tokens):  # a name that is the position needs no other
        return [tokens[position] for position in positions]
    return [f"{name(tokens[position])} @{position:,}" for position in positions]
