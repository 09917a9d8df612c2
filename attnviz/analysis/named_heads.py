"""The names that the heads of one layer have earned on one text."""

from __future__ import annotations

from collections.abc import Collection

from attnviz.analysis.blocks import CELLS
from attnviz.analysis.head_names import CHANCED, MEASURED, Chance, Found, head_names, name_limits
from attnviz.analysis.measure import Measured, measure_heads
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace

NEEDED = tuple(MEASURED.values())  # the metrics of all names


def named_heads(trace: Trace, layer: Layer, heads: Collection[int], cells: int = CELLS) -> dict[int, tuple[Found, ...]]:
    """The names of each of these ``heads`` of ``layer``, over all of its queries; of a model alone: of made-up numbers and
    of arrays nobody knows whether a head has learned anything."""
    if trace.source.kind != "model":
        return {}
    measured = measure_heads(trace, layer, heads=heads, only=NEEDED, cells=cells, chances=CHANCED)
    return {head: names_of(measured, head) for head in heads}


def names_of(measured: Measured, head: int) -> tuple[Found, ...]:
    """The names of one head of which these metrics were measured."""
    values = {metric: float(measured.metrics[metric][head]) for metric in NEEDED}
    chances = {
        metric: Chance(float(even[head]), float(measured.counts[metric][head]))
        for metric, even in measured.chances.items()
    }
    return head_names(values, name_limits(values, chances))
