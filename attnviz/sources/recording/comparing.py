"""Comparing what is kept of a pass with what the model computed, as the pass goes on or behind it.

A model's weights drive all else from a processor's caches: what is done once in each layer takes up to four times as long as what is
done for all layers one after the other. So a pass only leaves what comparing needs: copies of query, key and value, and the model's
own outputs of the queries that are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy
import torch

from attnviz.sources.recording.agreement import at, require_agreement_at
from attnviz.sources.recording.own_memory import OwnMemory
from attnviz.sources.recording.sampled import Comparison, Samples
from attnviz.trace.layer import Layer

WAITING = 1 << 25  # bytes of outputs that wait at the most


@dataclass
class Kept:
    """What a pass left of a layer that is wanted; once that is settled, the ``layer``, and how far it is from the model's own output
    (agreement.py)."""

    layer: Layer | None = None
    error: float = 0.0


@dataclass
class _Waiting:
    kept: Kept
    layer: Callable[[], Layer]
    output: torch.Tensor
    queries: numpy.ndarray
    plain: bool


class Comparing:
    """The layers of a pass that wait to be compared with the model's own outputs."""

    def __init__(self, comparison: Comparison) -> None:
        self._samples = Samples(comparison)
        self._waiting: list[_Waiting] = []
        self._memory, self._bytes = OwnMemory(), 0

    def add(self, alike: Hashable, layer: Callable[[], Layer], output: torch.Tensor, plain: bool) -> Kept:
        """A layer that is made by ``layer``, of arrays of its own, and the model's own ``output``, (queries, heads, d_v).

        alike  what this layer shares with others: how many heads, queries and keys, and what a query sees; None: nothing
        plain  whether the output comes from code that rounds every step to its dtype
        """
        queries = self._samples.of(alike, layer)
        kept, own = Kept(), self._memory.copied(at(output, queries))
        self._waiting.append(_Waiting(kept, layer, own, queries, plain))
        self._bytes += own.nbytes
        if self._bytes > WAITING:
            self.settle()
        return kept

    def settle(self) -> None:
        """Compare all that wait; AttnvizError where one differs by more than its type explains."""
        waiting, self._waiting = self._waiting, []
        self._memory, self._bytes = OwnMemory(), 0
        for one in waiting:
            one.kept.layer = one.layer()
            one.kept.error = require_agreement_at(one.queries, one.kept.layer, one.output, plain=one.plain)
