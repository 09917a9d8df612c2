"""Long texts in a page: of each head the exact means, or the largest weights, of cells of many tokens."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

from attnviz.arrays import to_numpy
from attnviz.choices import MapStep, Metric, Pool
from attnviz.maps import Frame, framed, head_maps, pooled_maps
from attnviz.pooling import pool
from attnviz.progress import Report, unheard
from attnviz.renderers.page.packing import Attempt, Form, Packed, in_levels
from attnviz.selection import Part, Selection

CELLS, CELLS_OF_SEVERAL = 1024, 384  # across, of one head and of each of several, at the most
FINE_LEVELS = 65534  # of a mean: in a long row most are a thousandth of its largest, which 8 bits would not tell from 0
ROOM = 12_000_000  # bytes that all cells may take


class Long(NamedTuple):
    """What a page holds of one layer of a long text."""

    frame: Frame
    packed: Packed
    metrics: dict[str, list[float | None]]

    @property
    def labels(self) -> tuple[list[str], list[str]]:
        """The positions that each row of cells, and each column, covers: "128–255"."""
        return _labels(self.frame.queries), _labels(self.frame.keys)

    @property
    def words(self) -> str:
        """How many cells there are, of how many tokens."""
        (down, across), (high, wide) = self.frame.shape, self.frame.cell
        return f"{down:,} × {across:,} cells of {high:,} × {wide:,} tokens, {self.frame.pool.value}"


def pooled(selection: Selection, choice: Pool = Pool.MEAN, report: Report = unheard) -> list[Long]:
    """Each selected layer, pooled. ``report`` hears how much is done, of how much."""
    layers: list[Long] = []
    most = cells_for(selection.heads)
    for part in selection.layers:

        def tell(done: int, of: int, before: int = len(layers)) -> None:
            report(before * of + done, len(selection.layers) * of)

        queries, keys = (range(int(array.shape[1])) for array in (part.layer.query, part.layer.key))
        layers.append(_layer(part, framed(queries, keys, most, choice), tell))
    return layers


def cells_for(heads: int) -> int:
    """How many cells there are across each of ``heads`` maps, at the most."""
    return CELLS if heads == 1 else min(CELLS_OF_SEVERAL, math.isqrt(ROOM // (2 * heads)))


def attempt(layers: list[Long]) -> Attempt:
    """Their arrays, as any page holds weights."""
    return Attempt(Form.WEIGHTS, [one.packed for one in layers])


def _layer(part: Part, frame: Frame, report: Report) -> Long:
    metrics: dict[str, list[float | None]] = {}
    if part.narrowed:
        maps, _ = head_maps(part, MapStep.WEIGHTS, frame, report)
    else:
        measures = pool(part.layer, part.heads, frame.cells, report)
        maps = pooled_maps(measures, frame.pool)
        metrics[Metric.ENTROPY.value] = _means(to_numpy(measures.entropy), to_numpy(measures.largest) > 0)
    weights = numpy.stack(maps)  # (heads, query cells, key cells)
    levels, scales, error = in_levels(numpy.where(weights > -math.inf, weights, 0.0), weights == -math.inf, FINE_LEVELS)
    return Long(frame, Packed({"levels": levels, "scales": scales}, error), metrics)


def _means(values: numpy.ndarray, sees: numpy.ndarray) -> list[float | None]:
    """The mean of each head over its queries that see a key, as stats has it, (heads, queries) → heads."""
    return [
        round(float(row[seen].mean(dtype=numpy.float64)), 6) if seen.any() else None
        for row, seen in zip(values, sees, strict=True)
    ]


def _labels(side: range) -> list[str]:
    return [f"{start:,}–{min(start + side.step, side.stop) - 1:,}" for start in side]
