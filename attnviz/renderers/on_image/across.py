"""What is read of a picture through all layers, laid over it: decided as data, as the weights of one layer are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy

from attnviz.analysis.across.following import Following, Shares, shares
from attnviz.progress import Progress, no_progress
from attnviz.renderers.across.wording import how, notes
from attnviz.renderers.heatmap.picture import Panel
from attnviz.renderers.heatmap.wording import Wording
from attnviz.renderers.on_image.decided import (
    Look,
    OnImage,
    Overlay,
    asked_queries,
    framed,
    keys_in_picture,
    lines_told,
    marked,
    scale_over,
    whose,
)
from attnviz.renderers.shared import facts
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.text.lessons import lessons
from attnviz.trace.in_picture import require_same_size
from attnviz.trace.selection import LayerSelection, Selection
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from PIL.Image import Image


def decide_across_image(
    following: Following,
    trace: Trace,
    selection: Selection,
    image: Image,
    overlay: Overlay = Overlay(),  # noqa: B008  (immutable)
    look: Look = Look(),  # noqa: B008  (immutable)
    report: Progress = no_progress,
) -> OnImage:
    """The share of each patch in what the queries that are asked for read through the selected layers, over ``image``.

    AttnvizError where it is not the picture that was read, a layer looks at none, or nothing can be followed.
    """
    require_same_size(trace, image.size)
    asked = Selection(tuple(_of_queries(trace, part) for part in selection.layers))
    found = shares(trace, asked, following, report)
    places = keys_in_picture(found.part)
    there = numpy.maximum(
        found.values[numpy.searchsorted(found.part.key_positions, places)], 0.0
    )  # out of reach: nothing
    wording, share = Wording(trace, look.words or lessons()), brief_percent(float(there.sum()))
    frame = framed(
        wording,
        _title(wording, found) if look.title is None else wording.own(look.title),
        _subtitle(wording, found, share, overlay),
        [Panel(share, 0, there[None], share)],
        "across.measure_rollout",
        look,
    )
    boxes = numpy.asarray(found.part.layer.boxes[places], dtype=numpy.float64)
    made = OnImage(frame, image, (boxes,), (marked(found.part, found.part.query_positions),), overlay)
    return made._replace(frame=frame._replace(scale=scale_over([made], look)))


def _of_queries(trace: Trace, part: LayerSelection) -> LayerSelection:
    """``part`` of the queries that are asked for, or of those that are usual on a picture."""
    queries = asked_queries(trace, part)
    return (part._replace(query=queries[0]) if len(queries) == 1 else part).as_region()


def _title(wording: Wording, found: Shares) -> str:
    return ", ".join([*how(found, wording.words), whose(wording, found.part.layer, found.part.query_positions)])


def _subtitle(wording: Wording, found: Shares, share: str, overlay: Overlay) -> str:
    source = wording.trace.source
    parts = [
        wording.say("across.on_image", share=share),
        *lines_told(wording, overlay),
        *notes(found, wording.words),
        facts.exactness(source.model_name, source.agreement.largest_error, wording.words),
    ]
    return " · ".join(filter(None, parts))
