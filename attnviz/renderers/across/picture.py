"""Attention followed through layers as a picture: queries × keys, or layers × keys of one query."""

from __future__ import annotations

import math
from typing import Any

from attnviz.analysis.across.following import Followed, Following, followed, of_one_query
from attnviz.choices import DPI, MapStep
from attnviz.renderers.across.wording import how, notes
from attnviz.renderers.heatmap.picture import (
    MILLIMETRES,
    Panel,
    Picture,
    View,
    most_cells,
    shows_positions,
    token_labels,
)
from attnviz.renderers.heatmap.wording import LABEL_CELLS, Wording
from attnviz.renderers.shared.facts import keys as keys_told
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.scale import scale_of, with_ends
from attnviz.text.lessons import lessons
from attnviz.trace.selection import Selection
from attnviz.trace.trace import Trace


def decide_across(
    trace: Trace,
    selection: Selection,
    following: Following,
    title: str | None = None,
    view: View = View(),  # noqa: B008  (immutable)
) -> Picture:
    """The picture of what the selected queries of ``trace`` read through its selected layers; of one query, layer by layer."""
    found = followed(trace, selection, following, _cells(selection, view), view.pool, view.report)
    part, frame, maps = found.part, found.frame, [found.values]
    wording = Wording(trace, view.words or lessons())
    usual = ", ".join([*how(found, wording.words), *_where(found, wording)])
    return Picture(
        title=usual if title is None else wording.own(title),
        subtitle=wording.subtitle(
            part._replace(region=None) if found.layers else part,
            [*([] if title is None else [usual]), *notes(found, wording.words)],
            None,
        ),
        panels=(Panel("", 0, found.values),),
        **_sides(trace, found, wording),
        step=MapStep.WEIGHTS,
        scale=with_ends(scale_of(maps, MapStep.WEIGHTS, frame.pooled), maps, *view.ends),
        hidden=bool((found.values == -math.inf).any()),
        blank=wording.say("across.unreached"),
        pool=view.pool,
        dpi=(view.dpi or DPI) if frame.pooled else view.dpi,
        cell=frame.cell,
        measure=wording.say(f"across.measure_{following.across.value}"),
        width=None if view.width is None else view.width / MILLIMETRES,
    )


def _cells(selection: Selection, view: View) -> int:
    """How many cells there may be across: a terminal has room for fewer than a figure, and no choice where a row is a layer."""
    first, most = selection.layers[0], most_cells(1, view)
    needed = of_one_query(first) or max(map(len, first.ranges)) > most
    return view.cells if view.cells and needed else most


def _sides(trace: Trace, found: Followed, wording: Wording) -> dict[str, Any]:
    """What stands along both sides of the map."""
    part, frame = found.part, found.frame
    queries, keys = token_labels(trace, part, frame)
    positions = part.ranges if frame.pooled else (part.query_positions, part.key_positions)
    named, axis = shows_positions(trace, part, frame), wording.say("picture.query")
    if found.layers:
        numbers = [layer.index for layer in found.layers]
        queries, positions, named = (
            tuple(map(str, numbers)),
            (numbers, positions[1]),
            (False, named[1] and part.narrows_keys),
        )
        axis = wording.say("across.down_to")
    return {
        "queries": queries,
        "keys": keys,
        "positions": positions,
        "shows_positions": named,
        "axes": (axis, wording.say("picture.key")),
    }


def _where(found: Followed, wording: Wording) -> list[str]:
    """What the title says of a map that is not simply of all tokens."""
    part, frame = found.part, found.frame
    if not found.layers:
        return wording.notes(part, frame)
    query = part.query_positions[0]
    token = name(wording.trace.query_tokens(part.layer)[query], LABEL_CELLS)
    notes = [wording.say("across.of_query", word=token, place=f"{query:,}")]
    if part.narrows_keys:
        notes.append(keys_told(part.ranges[1], wording.words))
    if frame.pooled:
        pool = wording.say(f"picture.{frame.pool.value}")
        notes.append(wording.say("across.cells", across=f"{frame.shape[1]:,}", wide=f"{frame.cell[1]:,}", pool=pool))
    return notes
