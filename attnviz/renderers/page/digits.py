"""How many digits of what a browser computes from rounded numbers are the trace's own.

The scores are compared with attend()'s, pair by pair. So is what follows from them, the weights, the outputs and what W_O
makes of these, where a part has not too many pairs for that. Of a larger part the largest error is derived. Let every scaled
score be off by at most δ. A scale and a softcap keep that (|tanh x − tanh y| ≤ |x − y|), so the odds of a weight
are off by at most a factor e^2δ: the weight itself by a factor e^2δ, and by tanh(δ/2) of the row. An output is then off
by what its values are, and by tanh(δ/2) of their spread.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.attention.arrays import to_numpy
from attnviz.renderers.page.selected import held_projection, selected_rule, vectors_by_head
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection
from attnviz.trace.slices import some_queries

ROWS = 128  # of scores at once, which stay in a processor's cache
MEASURED = 1 << 22  # cells of a part whose weights and outputs are compared, not derived: a fraction of a second

Vectors = tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]


class Errors(NamedTuple):
    """The most that anything of some heads is off by.

    vectors    a number of Query, Key or Value
    scores     a score
    scaled     a scaled score, with its bias or without
    weights    a weight
    output     a number of an output
    projected  a number of what W_O makes of them, 0 where no browser multiplies with W_O

    contribution  what a key brings to a query's output, 0 where W_O is not known
    carried       what a weight is multiplied with for that
    """

    vectors: float
    scores: float
    scaled: float
    weights: float
    output: float
    projected: float
    contribution: float = 0.0
    carried: float = 0.0


def errors(
    selected: LayerSelection, rounded: dict[str, numpy.ndarray], cells: int = CELLS, measured: int = MEASURED
) -> Errors:
    """The errors of the heads of ``selected`` where ``rounded`` stands for query, key and value, (heads, tokens, d) each as
    ``selected_vectors`` has them. About so many ``cells`` are looked at together, and up to so many are ``measured``."""
    rule = selected_rule(selected)
    own, ours = vectors_by_head(selected), vectors_by_head(selected, rounded)
    scores = farthest(own, ours, cells)
    scaled = scores * abs(rule.scale_for(own[0].shape[-1]))
    apart = [float(numpy.abs(one - other).max()) for one, other in zip(own, ours, strict=True)]
    heads, queries, keys = *own[0].shape[:2], own[1].shape[1]
    if heads * queries * keys <= measured:
        followed = _measured(selected, own, ours, max(1, cells // (heads * keys)))
    else:
        followed = _derived(selected, ours[2], scaled, apart[2])
    return Errors(max(apart), scores, scaled, *followed)


def farthest(own: tuple[numpy.ndarray, ...], ours: tuple[numpy.ndarray, ...], cells: int = CELLS) -> float:
    """The largest difference between the products of the first two of ``own``, (heads, queries, d) and (heads, keys, d), and
    of the first two of ``ours``, some at a time: of query and key the scores, of hidden pairs too, which a step shows.

    q·k − q′·k′ = (q − q′)·k + q′·(k − k′): in this form nothing is lost where the two are nearly the same.
    """
    left = numpy.concatenate([own[0] - ours[0], ours[0]], axis=-1)  # (heads, queries, 2 d)
    right = numpy.concatenate([own[1], own[1] - ours[1]], axis=-1)  # (heads, keys, 2 d)
    size, worst = max(1, min(cells // right.shape[1], ROWS)), 0.0
    for queries, keys in zip(left, right, strict=True):
        for start in range(0, len(queries), size):
            apart = queries[start : start + size] @ keys.T
            worst = max(worst, float(apart.max()), -float(apart.min()))
    return worst


def _measured(selected: LayerSelection, own: Vectors, ours: Vectors, size: int) -> tuple[float, float, float]:
    """The largest differences of a weight, of an output and of what W_O makes of it; so many queries at a time."""
    rule, projection = selected_rule(selected), _output_rows(selected, own[2].shape[-1])
    worst = (0.0, 0.0, 0.0)
    for weights, output in _differences(Layer(*own, rule), Layer(*ours, rule), size):
        concat = output.swapaxes(0, 1).reshape(output.shape[1], -1)  # (queries, heads · d_v)
        projected = 0.0 if projection is None else _largest(concat @ projection)
        worst = max(worst[0], _largest(weights)), max(worst[1], _largest(output)), max(worst[2], projected)
    return worst


def _differences(own: Layer, ours: Layer, size: int) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:
    """How far the weights and the outputs of so many queries at a time lie apart: (heads, queries, keys), (heads, queries, d_v)."""
    for start in range(0, own.queries, size):
        stop = min(start + size, own.queries)
        left, right = (some_queries(layer, start, stop).steps() for layer in (own, ours))
        yield left.weights - right.weights, left.output - right.output


def _derived(
    selected: LayerSelection, values: numpy.ndarray, scaled: float, apart: float
) -> tuple[float, float, float]:
    """The same as they follow from the error of the ``scaled`` scores, and from that of the values."""
    lost = math.tanh(scaled / 2)
    spread = max(float(values.max()), 0.0) - min(float(values.min()), 0.0)
    output, projection = apart + lost * spread, _output_rows(selected, values.shape[-1])
    columns = 0.0 if projection is None else float(numpy.abs(projection).sum(axis=0).max())
    return lost, output, output * columns


def _output_rows(selected: LayerSelection, width: int) -> numpy.ndarray | None:
    """The rows of W_O that the selected heads' outputs meet in a browser, (heads · d_v, d_out), or None."""
    if (projection := held_projection(selected)) is None:
        return None
    weight = to_numpy(projection.weight)
    rows: numpy.ndarray = weight.reshape(selected.layer.heads, width, -1)[list(selected.heads)]
    return rows.reshape(-1, weight.shape[-1]).astype(float)


def rounded_up(error: float) -> float:
    """``error`` in two digits, never less than it is."""
    if error == 0:
        return 0.0
    power = 10.0 ** (math.floor(math.log10(error)) - 1)
    return math.ceil(error / power) * power


def _largest(array: numpy.ndarray) -> float:
    return float(numpy.abs(array).max())
