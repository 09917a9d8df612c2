"""The token that a model chose last: it stands in no row, since the model has not read it."""

from __future__ import annotations

from typing import NamedTuple

from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.trace.layer import WRITING
from attnviz.trace.selection import LayerSelection
from attnviz.trace.trace import Trace


class LastChoice(NamedTuple):
    """A token as a sentence names it, and its probability, " (41 %)", or "" where that is not known."""

    token: str
    share: str


def last_choice(trace: Trace, selected: LayerSelection) -> LastChoice | None:
    """What was chosen after the last row of a layer that wrote; None where nothing was, or that row is not shown."""
    generation = trace.generation
    if generation is None:
        return None
    layer = selected.layer
    if layer.stack not in WRITING or selected.ranges[0].stop < len(trace.query_tokens(layer)):
        return None
    share = f" ({brief_percent(generation.probabilities[-1])})" if generation.probabilities else ""
    return LastChoice(name(generation.chosen[-1]), share)
