"""What one layer hands on: of every token, how much of each token it takes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy

from attnviz.analysis.blocks import RowBlock, cuts, row_block
from attnviz.attention.arrays import to_numpy
from attnviz.choices import HeadsAs
from attnviz.trace.contribution import HeadContribution
from attnviz.trace.layer import Layer


class Job(NamedTuple):
    """Queries of a layer that follow each other, and its heads, some at a time, that are computed of them."""

    rows: slice
    heads: tuple[slice, ...]


class Passed(NamedTuple):
    """What some queries of a layer take from the keys that they see.

    rows     the queries, and keys the keys that any of them may see; each follow each other
    weights  (rows, keys), float64: each row adds up to 1 together with ``own``
    own      (rows,): what each keeps of itself
    seen     (rows, keys): which keys any of the heads may look at
    """

    rows: slice
    keys: slice
    weights: numpy.ndarray
    own: numpy.ndarray
    seen: numpy.ndarray


class Passing:
    """What a layer hands on, some queries at a time.

    The rows of the heads become one: the mean of their weights, the largest of them, or the sum of what each brings to the
    output, ‖α_ij v_j W_O^h‖. It is divided by its sum: what a sink took, or what is lacking in weights that were given, is
    left out. Then (1 − residual) · weights + residual · identity, as Abnar & Zuidema (2020, 2005.00928, section 3) have it
    with 0.5. A query that sees nothing keeps all of itself, for its heads add nothing.

    AttnvizError where contributions are asked for, and W_O of the layer is not known.
    """

    def __init__(self, layer: Layer, heads: Sequence[int], heads_as: HeadsAs, residual: float) -> None:
        self.layer, self.heads, self.residual = layer, heads, residual
        self._join = numpy.maximum if heads_as is HeadsAs.MAX else numpy.add
        self._factors = (
            {head: to_numpy(HeadContribution(layer, head).factors()) for head in heads}  # (keys,) each
            if heads_as is HeadsAs.CONTRIBUTION
            else {}
        )

    @property
    def jobs(self) -> list[Job]:
        """All queries, in blocks little enough for a processor's cache."""
        pieces = sorted(cuts(self.layer, self.heads, range(self.layer.queries)), key=lambda cut: cut[1].start)
        return [Job(rows, tuple(heads for heads, _ in some)) for rows, some in groupby(pieces, lambda cut: cut[1])]

    def passed(self, job: Job) -> Passed:
        """What the queries of ``job`` take."""
        found = [self._of_heads(row_block(self.layer, some, job.rows)) for some in job.heads]
        keys, mixed, seen = found[0]
        for _, rows, visible in found[1:]:
            mixed, seen = self._join(mixed, rows), seen | visible
        total = mixed.sum(axis=1)
        own = numpy.where(total > 0, self.residual, 1.0)
        mixed *= ((1 - own) / numpy.where(total > 0, total, 1))[:, None]
        return Passed(job.rows, keys, mixed, own, seen)

    def _of_heads(self, block: RowBlock) -> tuple[slice, numpy.ndarray, numpy.ndarray]:
        """The keys of ``block``, the rows of its heads as one, (rows, keys), and which keys any of them sees.

        Their sum stands for their mean, for it is divided by its own sum.
        """
        first, stop = block.heads.start, block.heads.stop
        heads = [head for head in self.heads if first <= head < stop]
        places = [head - first for head in heads]
        rows = to_numpy(block.steps.weights)[places].astype(numpy.float64)  # (heads, rows, keys)
        if self._factors:
            rows *= numpy.stack([self._factors[head][block.keys] for head in heads])[:, None]
        return block.keys, self._join.reduce(rows, axis=0), ~to_numpy(block.steps.hidden)[places].all(axis=0)
