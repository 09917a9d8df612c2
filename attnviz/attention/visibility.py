"""Which keys a query may see."""

from __future__ import annotations

import math
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


def reach(rule: Rule) -> tuple[float, float]:
    """How far before and after its own position a query sees: key − position lies in [−before, after]."""
    distance = math.inf if rule.window is None else rule.window - 1
    return distance, 0 if rule.causal else distance


def band(rule: Rule, start: int, stop: int, queries: int, keys: int) -> tuple[int, int]:
    """The keys [begin, end) outside which none of the queries start … stop − 1 sees any."""
    offset = rule.offset_for(queries, keys)
    before, after = reach(rule)
    end = int(max(0, min(keys, stop - 1 + offset + after + 1)))
    return int(min(end, max(0, start + offset - before))), end
