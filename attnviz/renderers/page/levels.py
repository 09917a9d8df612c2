"""Weights as whole numbers of steps up to the largest of their row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.attention.arrays import to_numpy
from attnviz.renderers.page.blobs import compressed
from attnviz.trace.selection import LayerSelection
from attnviz.trace.slices import some_queries

LEVELS = 254  # of a visible weight in 8 bits; 0 is a hidden cell
SAMPLED = 8  # queries that tell how well a layer's weights can be compressed
FINE_LEVELS = 65534  # of a mean: in a long row most are a thousandth of its largest, which 8 bits would not tell from 0


def in_levels(
    weights: numpy.ndarray, hidden: numpy.ndarray, levels: int = LEVELS
) -> tuple[numpy.ndarray, numpy.ndarray, float]:
    """Weights, (…, queries, keys), as whole numbers of steps up to the largest of their row; that, (…, queries); and how far
    they are off at most. A hidden cell is 0, the weight 0 is 1.
    """
    scale = weights.max(axis=-1, keepdims=True).astype(numpy.float32)
    level = scale.astype(numpy.float64) / levels  # the largest weight of a row with a strong sink may be tiny
    steps = numpy.rint(weights / numpy.where(level > 0, level, 1.0))
    error = float(numpy.abs(weights - steps * level).max())
    return numpy.where(hidden, 0, steps + 1).astype(numpy.min_scalar_type(levels + 1)), scale[..., 0], error


def layer_in_levels(selected: LayerSelection, cells: int = CELLS) -> tuple[numpy.ndarray, numpy.ndarray, float]:
    """The same of the selected heads of a layer, (heads, queries, keys), of which about so many cells are held at a time."""
    levels, scales, error = [], [], 0.0
    for weights, hidden in _blocks(selected, cells):
        some, scale, worst = in_levels(weights, hidden)
        error = max(error, worst)
        levels.append(some)
        scales.append(scale)
    shape = (len(selected.heads), selected.layer.queries)
    return numpy.concatenate(levels).reshape(*shape, -1), numpy.concatenate(scales).reshape(shape), error


def given_weights(selected: LayerSelection) -> numpy.ndarray:
    """The weights of the selected heads of a layer of which they alone are known, in their own numbers, NaN where a cell is
    hidden: (heads, queries, keys)."""
    own = to_numpy(selected.layer.weights)
    return numpy.stack(
        [
            numpy.where(to_numpy(selected.layer.steps(head).hidden), own.dtype.type(numpy.nan), own[head])
            for head in selected.heads
        ]
    )


def compressed_share(selected: LayerSelection) -> float:
    """About how much of these 8 bits compression leaves, as a few queries of the selected heads tell."""
    layer, queries = selected.layer, selected.layer.queries
    count = min(SAMPLED, queries)
    rows = []
    for place in range(count):
        start = (2 * place + 1) * queries // (2 * count)
        steps = some_queries(layer, start, start + 1).steps()
        weights, hidden = to_numpy(steps.weights), to_numpy(steps.hidden)
        hidden = numpy.broadcast_to(hidden, weights.shape)
        rows.append(in_levels(weights[list(selected.heads)], hidden[list(selected.heads)])[0])
    content = numpy.concatenate(rows, axis=1).tobytes()  # head after head, as the layer has them
    return len(compressed(content)) / len(content)


def _blocks(selected: LayerSelection, cells: int) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:
    """The weights of the selected heads and which cells are hidden, (rows, keys), head after head and row after row."""
    layer, queries = selected.layer, selected.layer.queries
    size = max(1, cells // layer.keys)
    for head in selected.heads:
        for start in range(0, queries, size):
            steps = some_queries(layer, start, min(start + size, queries)).steps(head)
            yield to_numpy(steps.weights), to_numpy(steps.hidden)
