"""Long texts, and regions of a text, in a page: maps of weights alone, computed here and not in the browser.

Where there is not room for every pair, a cell is the exact mean, or the largest weight, of many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy

from attnviz.analysis.maps import Frame, framed, head_maps, pooled, pooled_maps
from attnviz.attention.arrays import namespace, to_numpy
from attnviz.choices import MapStep, Metric, Pool
from attnviz.pooling.tiles import visible_share
from attnviz.progress import Progress, no_progress
from attnviz.renderers.page.packing import BASE64, Attempt, Form, Packed, in_levels
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.labels import name, unnamed
from attnviz.trace.selection import LayerSelection, Selection
from attnviz.trace.trace import Trace

MOST_CELLS, MOST_CELLS_OF_SEVERAL = 1024, 384  # across, of one head and of each of several, at the most
FINE_LEVELS = 65534  # of a mean: in a long row most are a thousandth of its largest, which 8 bits would not tell from 0
ROOM = 12_000_000  # bytes that all cells may take


class Long(NamedTuple):
    """What a page holds of one layer of a long text, or of a region of one."""

    selected: LayerSelection
    frame: Frame
    packed: Packed
    metrics: dict[str, list[float | None]]

    def labels(self, trace: Trace) -> tuple[list[str], list[str]]:
        """What each row and each column is: a token and its position, or the positions that it covers, "128–255"."""
        if self.frame.pooled:
            return _ranges(self.frame.queries), _ranges(self.frame.keys)
        layer = self.selected.layer
        return (
            _placed(trace.query_tokens(layer), self.selected.query_positions),
            _placed(trace.key_tokens(layer), self.selected.key_positions),
        )

    @property
    def cells(self) -> list[str] | None:
        """How many cells there are, and how many tokens each is of, down and across; None where each is one pair."""
        frame = self.frame
        return [f"{count:,}" for count in (*frame.shape, *frame.cell)] if frame.pooled else None

    @property
    def region(self) -> str | None:
        """Which queries and keys these are; None where they are all."""
        if self.selected.whole:
            return None
        queries, keys = self.selected.ranges
        return f"{numbers.span('query', 'queries', queries)}, {numbers.span('key', 'keys', keys)}"


def drawn(selection: Selection, choice: Pool = Pool.MEAN, report: Progress = no_progress) -> list[Long]:
    """The maps of each selected layer. ``report`` is told how much is done, of how much."""
    layers: list[Long] = []
    most = cells_for(selection.heads)
    for selected in selection.layers:

        def tell(done: int, of: int, before: int = len(layers)) -> None:
            report(before * of + done, len(selection.layers) * of)

        layers.append(_layer(selected, framed(selected, most, choice), tell))
    return layers


def cells_for(heads: int) -> int:
    """How many cells there are across each of ``heads`` maps, at the most."""
    return MOST_CELLS if heads == 1 else min(MOST_CELLS_OF_SEVERAL, math.isqrt(ROOM // (2 * heads)))


def estimate(selected_layers: Sequence[LayerSelection]) -> int:
    """About how many bytes of base64 the maps of ``selected_layers`` take: two a cell that causal and window let be seen, which is
    what compression leaves of weights that are much alike; where few keys take most of them, it leaves less.
    """
    most = cells_for(sum(len(selected.heads) for selected in selected_layers))
    cells = (
        len(selected.heads) * math.prod(framed(selected, most).shape) * _seen(selected) for selected in selected_layers
    )
    return round(2 * sum(cells) * BASE64)


def _seen(selected: LayerSelection) -> float:
    """The share of its pairs that causal and window let be seen."""
    queries, keys = selected.ranges
    whole = selected.layer.query.shape[1], selected.layer.key.shape[1]
    rule = selected.layer.rule.of_queries(queries.start, queries.stop, *whole)
    rows, columns = numpy.array([0, len(queries)]), numpy.array([keys.start, keys.stop])
    return float(visible_share(namespace(rows), rule, rows, columns, numpy.float64)[0, 0])


def attempt(layers: list[Long]) -> Attempt:
    """Their arrays, as any page holds weights."""
    return Attempt(Form.WEIGHTS, [one.packed for one in layers])


def _layer(selected: LayerSelection, frame: Frame, report: Progress) -> Long:
    metrics: dict[str, list[float | None]] = {}
    if selected.skips_tokens:
        maps, _ = head_maps(selected, MapStep.WEIGHTS, frame, report)
    else:
        measures = pooled(selected, frame, report)
        maps = pooled_maps(measures, frame.pool)
        metrics[Metric.ENTROPY.value] = _means(to_numpy(measures.entropy), to_numpy(measures.largest) > 0)
    weights = numpy.stack(maps)  # (heads, query cells, key cells)
    levels, scales, error = in_levels(numpy.where(weights > -math.inf, weights, 0.0), weights == -math.inf, FINE_LEVELS)
    return Long(selected, frame, Packed({"levels": levels, "scales": scales}, error), metrics)


def _means(values: numpy.ndarray, sees: numpy.ndarray) -> list[float | None]:
    """The mean of each head over its queries that see a key, as stats has it, (heads, queries) → heads."""
    return [
        round(float(row[seen].mean(dtype=numpy.float64)), 6) if seen.any() else None
        for row, seen in zip(values, sees, strict=True)
    ]


def _ranges(side: range) -> list[str]:
    lasts = (min(start + side.step, side.stop) - 1 for start in side)
    return [f"{start:,}–{last:,}" if start < last else f"{start:,}" for start, last in zip(side, lasts, strict=True)]


def _placed(tokens: Sequence[str], places: Sequence[int]) -> list[str]:
    if unnamed(tokens):  # a name that is the position needs no other
        return [tokens[place] for place in places]
    return [f"{name(tokens[place])} @{place:,}" for place in places]
