"""All steps of one head in one figure: from the scores to the weights and the output, and what leads from each to the next."""

from __future__ import annotations

import math

import numpy

from attnviz.analysis.blocks import CELLS, rows_of_a_block
from attnviz.attention.arrays import to_numpy
from attnviz.choices import MapStep, Pool
from attnviz.renderers.heatmap.chain import Between, Chain, ChainMaker
from attnviz.renderers.heatmap.picture import Picture, View
from attnviz.renderers.heatmap.wording import Wording
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.labels import round_positions
from attnviz.renderers.shared.scale import scale_of
from attnviz.text.lessons import lessons
from attnviz.trace.selection import LayerSelection
from attnviz.trace.slices import some_queries
from attnviz.trace.trace import Trace

ARROW = "→"
NAMED_DIMENSIONS = 16  # of an output: of more, some are named
STEPS = (
    MapStep.SCORES,
    MapStep.SCALED,
    MapStep.MASKED,
    MapStep.WEIGHTS,
)  # one follows from the other, down to the output
DIGITS = 3  # of a scale over an arrow


def decide_steps(trace: Trace, selected: LayerSelection, title: str | None = None, view: View = View()) -> Chain:  # noqa: B008  (immutable)
    """The steps of the one head of ``selected``, each with a scale of its own."""
    maker = ChainMaker(trace, selected, Wording(trace, view.words or lessons()), view)
    scores, *others = (maker.step(step) for step in STEPS)
    maps = [scores._replace(title=f"{scores.title} Q Kᵀ"), *others]
    between = [_scaled(maker), _masked(maker, maps), _weights(maker), Between(ARROW, "× V")]
    what = maker.wording.say("picture.all_steps")
    return maker.chain(what, title, [*maps, _output(maker)], between)


def _scaled(maker: ChainMaker) -> Between:
    rule, dimension = maker.selected.layer.rule, maker.selected.layer.query.shape[-1]
    below = "" if rule.softcap is None else maker.wording.say("picture.softcap", softcap=f"{rule.softcap:g}")
    if rule.scale is None:
        return Between(ARROW, "÷ √d_k", below or f"d_k = {dimension}")
    return Between(ARROW, f"× {numbers.number(maker.selected.layer.scale, DIGITS)}", below)


def _masked(maker: ChainMaker, maps: list[Picture]) -> Between:
    say, hides = maker.wording.say, maps[2].hidden
    if maker.selected.layer.rule.bias is not None:
        return Between(ARROW, say("picture.bias"), say("picture.where_hidden") if hides else "")
    return (
        Between(ARROW, "−∞", say("picture.where_hidden")) if hides else Between(ARROW, "=", say("picture.none_hidden"))
    )


def _weights(maker: ChainMaker) -> Between:
    sinks = maker.selected.layer.rule.sinks is not None
    return Between(ARROW, "softmax", maker.wording.say("picture.with_sink" if sinks else "picture.each_row"))


def _output(maker: ChainMaker) -> Picture:
    """What each query receives, (query cells, d_v)."""
    values, say = _received(maker), maker.wording.say
    dimensions = values.shape[1]
    named = tuple(map(str, range(dimensions))) if dimensions <= NAMED_DIMENSIONS else round_positions(range(dimensions))
    scale = scale_of([values], MapStep.SCORES)
    picture = maker.picture(say("title.output"), values, scale, say("picture.measure_output"), MapStep.SCORES)
    return picture._replace(keys=named, axes=(maker.axes[0], say("picture.dimension")), hidden=False)


def _received(maker: ChainMaker) -> numpy.ndarray:
    """The output of the queries that are looked at; of a cell of many queries their mean, or what is farthest from 0."""
    selected, frame = maker.selected, maker.frame
    layer, [head], side = selected.layer, selected.heads, frame.queries
    size = rows_of_a_block(layer, CELLS)
    rows = numpy.concatenate(
        [
            to_numpy(some_queries(layer, start, min(start + size, side.stop)).steps(head).output)
            for start in range(side.start, side.stop, size)
        ]
    ).astype(numpy.float64)
    kept = numpy.isin(numpy.arange(side.start, side.stop), selected.query_positions)
    if not frame.pooled:
        return rows[kept]
    cells = numpy.full((len(side), rows.shape[1]), -math.inf)
    for place, start in enumerate(range(0, len(rows), side.step)):
        some = rows[start : start + side.step][kept[start : start + side.step]]
        if len(some):
            far = numpy.take_along_axis(some, abs(some).argmax(axis=0)[None], axis=0)[0]
            cells[place] = far if frame.pool is Pool.MAX else some.mean(axis=0)
    return cells
