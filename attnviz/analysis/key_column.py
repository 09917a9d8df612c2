"""What every query makes of one key: a column of a head, exact, and never holding queries × keys."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.pooling.pool import pool
from attnviz.progress import Progress, no_progress
from attnviz.trace.layer import Layer
from attnviz.trace.slices import some_keys


class Column(NamedTuple):
    """One key of a head, (queries,) each.

    scores, scaled, masked  as attend() gives them
    weights                 the key's part of each query's softmax over all keys; where they alone are known, the only ones
    hidden                  True for each query that the key is hidden from
    """

    scores: numpy.ndarray
    scaled: numpy.ndarray
    masked: numpy.ndarray
    weights: numpy.ndarray
    hidden: numpy.ndarray


def key_columns(layer: Layer, heads: Sequence[int], key: int, report: Progress = no_progress) -> Iterator[Column]:
    """The column of ``key`` in each of these heads; ``report`` is told how much is done, of how much.

    Its weights are the map of a region that is one key wide, each query a cell of its own.
    """
    pooled = pool(layer, heads, layer.queries, report, keys=range(key, key + 1))
    if layer.weights_alone:
        nothing = numpy.zeros((0,))
        for weights, visible in zip(pooled.mean, pooled.visible, strict=True):
            yield Column(nothing, nothing, nothing, to_numpy(weights)[:, 0], to_numpy(visible)[:, 0] == 0)
        return
    alone = some_keys(layer, key, key + 1)
    for head, weights, visible in zip(heads, pooled.mean, pooled.visible, strict=True):
        steps = alone.steps(head)  # (queries, 1); its weights are those of a text that has no other key
        scores, scaled, masked, weights, visible = (to_numpy(step)[:, 0] for step in (*steps[:3], weights, visible))
        hidden = visible == 0  # which only the whole row can tell: a bias hides a key beside others
        yield Column(scores, scaled, numpy.where(hidden, -math.inf, masked), weights, hidden)
