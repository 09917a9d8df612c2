"""A picture of which only the first queries have come yet."""

from __future__ import annotations

import math

import numpy

from attnviz.renderers.heatmap.picture import Picture


def with_rows(picture: Picture, rows: int) -> Picture:
    """``picture`` with its first ``rows``: the cells of the others are no number, and so blank, and what nobody sees yet has no
    label: those queries, and the keys that all rows until then hide."""
    queries, keys = len(picture.queries), len(picture.keys)
    come = numpy.arange(queries) < rows
    seen = numpy.zeros(keys, dtype=bool)
    for panel in picture.panels:
        seen |= (panel.values[:rows] > -math.inf).any(axis=0)
    blank = [numpy.where(come[:, None] & seen, panel.values, math.nan) for panel in picture.panels]
    return picture._replace(
        panels=tuple(panel._replace(values=values) for panel, values in zip(picture.panels, blank, strict=True)),
        queries=tuple(label if there else "" for label, there in zip(picture.queries, come, strict=True)),
        keys=tuple(label if there else "" for label, there in zip(picture.keys, seen, strict=True)),
    )
