"""Which keys a query may see."""

from __future__ import annotations

from typing import Any

from attnviz.attention.arrays import Array, like
from attnviz.attention.checks import boolean_mask, of_scores
from attnviz.attention.rule import Rule

AS_GOOD_AS_HIDDEN = 9000.0  # below the cell's own score: e^x is 0 in every type


def visible_cells(xp: Any, rule: Rule, query: Array, scores: Array) -> Array | None:
    """Which cells a query may attend to, or None where nothing is hidden."""
    visible = None
    queries, keys = scores.shape[-2:]
    if rule.causal or rule.window is not None:
        offset = rule.offset_for(queries, keys)
        positions = xp.expand_dims(xp.arange(queries, device=query.device), axis=1) + offset  # (queries, 1)
        distance = positions - xp.arange(keys, device=query.device)  # (queries, keys)
        if rule.causal:
            visible = distance >= 0
        if rule.window is not None:
            inside = xp.abs(distance) < rule.window
            visible = inside if visible is None else visible & inside
    if rule.mask is not None:
        mask = like(query, boolean_mask(rule.mask), dtype=xp.bool)
        mask = of_scores(mask, "mask", tuple(scores.shape))
        visible = mask if visible is None else visible & mask
    return visible
