"""How many digits of what a browser computes from rounded numbers are the trace's own.

The scores are compared with attend()'s, pair by pair; of what follows from them, the largest error is derived. Let every
scaled score be off by at most δ. A scale and a softcap keep that (|tanh x − tanh y| ≤ |x − y|), so the odds of a weight
are off by at most a factor e^2δ: the weight itself by a factor e^2δ, and by tanh(δ/2) of the row. An output is then off
by what its values are, and by tanh(δ/2) of their spread.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

from attnviz.analysis.blocks import CELLS
from attnviz.renderers.page.selected import selected_rule, vectors_by_head
from attnviz.trace.selection import LayerSelection

ROWS = 128  # of scores at once, which stay in a processor's cache


class Errors(NamedTuple):
    """The most that anything of some heads is off by.

    vectors  a number of Query, Key or Value
    scores   a score
    scaled   a scaled score, with its bias or without
    weights  a weight
    output   a number of an output
    """

    vectors: float
    scores: float
    scaled: float
    weights: float
    output: float


def errors(selected: LayerSelection, rounded: dict[str, numpy.ndarray], cells: int = CELLS) -> Errors:
    """The errors of the heads of ``selected`` where ``rounded`` stands for query, key and value, (heads, tokens, d) each as
    ``selected_vectors`` has them. About so many ``cells`` are looked at together."""
    rule = selected_rule(selected)
    own, ours = vectors_by_head(selected), vectors_by_head(selected, rounded)
    scores = _scores(own, ours, cells)
    scaled = scores * abs(rule.scale_for(own[0].shape[-1]))
    lost = math.tanh(scaled / 2)
    spread = max(float(ours[2].max()), 0.0) - min(float(ours[2].min()), 0.0)
    apart = [float(numpy.abs(one - other).max()) for one, other in zip(own, ours, strict=True)]
    return Errors(max(apart), scores, scaled, lost, apart[2] + lost * spread)


def _scores(own: tuple[numpy.ndarray, ...], ours: tuple[numpy.ndarray, ...], cells: int) -> float:
    """The largest difference of a score from the trace's own, of hidden pairs too: a step shows their scores.

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
