"""The weights of one head with and without a part of its rule, and their difference."""

from __future__ import annotations

import math

import numpy

from attnviz.analysis.versions import versions
from attnviz.choices import Comparison, MapStep
from attnviz.renderers.heatmap.chain import Between, Chain, ChainMaker
from attnviz.renderers.heatmap.picture import View
from attnviz.renderers.heatmap.wording import Wording
from attnviz.renderers.shared import numbers
from attnviz.renderers.shared.scale import Scale, scale_of, with_ends
from attnviz.text.lessons import lessons
from attnviz.trace.layer import Layer
from attnviz.trace.selection import LayerSelection
from attnviz.trace.trace import Trace

DIGITS = 3  # of a scale in a title


def decide_comparison(
    trace: Trace,
    selected: LayerSelection,
    comparison: Comparison,
    title: str | None = None,
    view: View = View(),  # noqa: B008  (immutable)
) -> Chain:
    """The weights with, those without, on one scale, and what the first has more than the second, on a scale around 0."""
    wording = Wording(trace, view.words or lessons())
    maker = ChainMaker(trace, selected, wording, view)
    both = versions(trace, selected.layer, comparison)
    maps = [maker.map_of(selected._replace(layer=layer), MapStep.WEIGHTS) for layer in both]
    scale = with_ends(scale_of(maps, MapStep.WEIGHTS, maker.frame.pooled), maps, *view.ends)
    measure = wording.say("picture.measure_weights")
    titles = _titles(wording, trace, comparison, both.having)
    sides = [maker.picture(one, values, scale, measure) for one, values in zip(titles, maps, strict=True)]
    difference = _difference(*maps)
    largest = float(abs(difference[difference > -math.inf]).max(initial=0.0)) or 1.0
    apart = maker.picture(
        wording.say("picture.difference"),
        difference,
        Scale(-largest, largest, largest, diverging=True, least=-largest),
        wording.say("picture.measure_difference"),
        MapStep.SCORES,
    )
    what = wording.say(f"picture.compare_{comparison.value}")
    return maker.chain(what, title, [*sides, apart], [Between("−"), Between("=")])


def _difference(having: numpy.ndarray, lacking: numpy.ndarray) -> numpy.ndarray:
    """What a cell has more in the first map than in the second; what one hides has the weight 0 there; hidden where both hide."""
    shown = [numpy.where(values > -math.inf, values, 0.0) for values in (having, lacking)]
    hidden = (having == -math.inf) & (lacking == -math.inf)
    return numpy.where(hidden, -math.inf, shown[0] - shown[1])


def _titles(wording: Wording, trace: Trace, comparison: Comparison, having: Layer) -> tuple[str, str]:
    """What stands above both maps."""
    say = wording.say
    if comparison is Comparison.CAUSAL:
        return say("picture.with_causal"), say("picture.without_causal")
    if comparison is Comparison.SCALE:
        root = f"÷ √{having.query.shape[-1]}"
        factor = root if having.rule.scale is None else f"× {numbers.number(having.scale, DIGITS)}"
        return say("picture.with_scale", factor=factor), say("picture.without_scale")
    return (
        say("picture.with_position", position=str(trace.source.get("position", ""))),
        say("picture.without_position"),
    )
