"""Layers of one text measured together: a model has many of a few heads each, and of a short text each costs more to begin
than to compute."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from attnviz.analysis.blocks import CELLS
from attnviz.analysis.measure import Measured, measure_heads
from attnviz.attention.arrays import namespace
from attnviz.choices import MeasuredStep
from attnviz.progress import Progress, no_progress
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection
from attnviz.trace.trace import Trace


class Together(NamedTuple):
    """Layers that were measured as one.

    selections  what was asked for of each
    measured    what was measured of the heads of all of them, one layer's behind the other's
    heads       which of these were asked for; the one that stands for all heads of a layer, where they are measured as one
    """

    selections: Sequence[LayerSelection]
    measured: Measured
    heads: Sequence[int]


def measured_together(
    trace: Trace,
    selections: Sequence[LayerSelection],
    report: Progress = no_progress,
    cells: int = CELLS,
    **options: Any,
) -> Iterator[Together]:
    """What ``measure_heads`` measures of these ``selections`` of ``trace``, in their order; ``options`` are its own.

    Layers that follow each other are one layer of all of their heads, where that is computed at once.
    """
    done, as_one = 0, options.get("step") is MeasuredStep.SUMMED
    for some in _alike(selections, cells):

        def tell(part: int, of: int, before: int = done, count: int = len(some)) -> None:
            report((before * of + part * count), len(selections) * of)

        one = some[0]
        whole = one.layer if len(some) == 1 else _joined([selected.layer for selected in some])
        heads = [place * one.layer.heads + head for place, selected in enumerate(some) for head in selected.heads]
        measured = measure_heads(
            trace,
            whole,
            heads=heads,
            queries=one.query_positions,
            keys=one.key_positions,
            report=tell,
            cells=cells,
            parts=[selected.layer for selected in some],
            **options,
        )
        yield Together(some, measured, range(len(some)) if as_one else heads)
        done += len(some)


def _alike(selections: Sequence[LayerSelection], cells: int) -> Iterator[list[LayerSelection]]:
    """``selections`` that follow each other and can be one, no more of them than have so many ``cells`` of scores."""
    some: list[LayerSelection] = []
    for selected in selections:
        layer = selected.layer
        fits = (len(some) + 1) * layer.heads * layer.queries * layer.keys <= cells
        if some and not (fits and _is_alike(some[0], selected)):
            yield some
            some = []
        some.append(selected)
    yield some


def _is_alike(one: LayerSelection, other: LayerSelection) -> bool:
    """Whether both are of the same tokens, by a rule that both share, which says nothing of single heads."""
    mine, theirs = one.layer, other.layer
    if mine.weights_alone or theirs.weights_alone or one._replace(layer=theirs, heads=other.heads) != other:
        return False
    shapes = [[getattr(layer, name).shape for name in ("query", "key", "value")] for layer in (mine, theirs)]
    plain = mine.rule.bias is None and mine.rule.sinks is None and (mine.rule.mask is None or mine.rule.mask.ndim < 3)
    named = [(layer.kind, layer.tokens, layer.key_tokens) for layer in (mine, theirs)]
    same_rule = all(_same(given, getattr(theirs.rule, name)) for name, given in vars(mine.rule).items())
    return plain and same_rule and shapes[0] == shapes[1] and named[0] == named[1]


def _same(one: Any, other: Any) -> bool:
    """Whether both are the same array, or the same number."""
    return one is other or (not hasattr(one, "shape") and not hasattr(other, "shape") and bool(one == other))


def _joined(layers: Sequence[Layer]) -> Layer:
    """One layer of the heads of all ``layers``, one layer's after the other's."""
    xp = namespace(layers[0].query)
    arrays = {name: xp.concat([getattr(layer, name) for layer in layers]) for name in ("query", "key", "value")}
    one = layers[0]
    return Layer(
        **arrays,
        rule=one.rule,
        index=one.index,
        name=one.name,
        kind=one.kind,
        tokens=one.tokens,
        key_tokens=one.key_tokens,
    )
