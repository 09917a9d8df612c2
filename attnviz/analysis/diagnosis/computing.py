"""Computing what a recipe says, of some rows or all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Computed, Logits, Moved, Recipe, View, by_softmax
from attnviz.analysis.diagnosis.turn import Turn
from attnviz.attention.arrays import overflow_unspoken

LAST = 8  # arrays of heads that are kept
KEPT = 1 << 16  # scores of a view that are kept for other recipes with the same queries and keys


def computed(recipe: Recipe, view: View | None = None) -> Computed:
    """The weights and the output of the rows in ``view``; None: of all."""
    view = recipe.whole if view is None else view
    with overflow_unspoken():
        if recipe.move is not None:
            return _moved(recipe, view, recipe.move)
        if recipe.over != "keys":
            return _over_another_axis(recipe, view)
        given = logits_of(recipe, view)
        return _finished(recipe, view, given, recipe.weigh(given))


# The axes, beside the keys, over which a softmax may run: their place, and what a view has of them.
AXES = {"items": (0, "items"), "heads": (1, "heads"), "queries": (2, "rows")}


def _moved(recipe: Recipe, view: View, move: Moved) -> Computed:
    """The same where the weights of all of an axis, of which the view has some, are moved before they meet the values."""
    axis, field = AXES[move.along]
    given = logits_of(recipe, view._replace(**{field: getattr(recipe.whole, field)}))
    weights = move.change(numpy.broadcast_to(recipe.weigh(given), given.logits.shape))
    places = getattr(view, field)
    some = Logits(given.logits.take(places, axis), given.hidden, None, value_of(recipe, view))
    return _finished(recipe, view, some, weights.take(places, axis))


def _over_another_axis(recipe: Recipe, view: View) -> Computed:
    """The same where softmax runs over all of another axis, of which the view has some."""
    axis, field = AXES[recipe.over]
    places = getattr(view, field)
    wide = view._replace(**{field: getattr(recipe.whole, field)})
    given = logits_of(recipe, wide)
    turned = numpy.moveaxis(given.logits, axis, -1)
    weights = numpy.moveaxis(by_softmax(given._replace(logits=turned, sinks=None)), -1, axis)
    some = given._replace(
        logits=given.logits.take(places, axis),
        hidden=numpy.broadcast_to(given.hidden, weights.shape).take(places, axis),
    )
    return _finished(recipe, view, some._replace(value=value_of(recipe, view)), weights.take(places, axis))


def _finished(recipe: Recipe, view: View, given: Logits, weights: Array) -> Computed:
    """From weights on: what is hidden after softmax, rounding, the output, and the rows that see nothing."""
    if recipe.hiding is not None and recipe.hiding.after:
        weights = numpy.where(_hidden(recipe, view, recipe.hiding.mask, recipe.hiding.band), 0.0, weights)
    if recipe.added is not None:
        weights = weights + _of_view(recipe.added, view)
    weights = rounded(weights, recipe.rounded.weights)
    output = recipe.combine(weights, given)
    if recipe.blind != 0:
        blind = (given.logits == -math.inf).all(-1, keepdims=True)
        if blind.any():
            uniform = numpy.full(weights.shape, 1 / recipe.keys if recipe.blind is None else recipe.blind)
            weights = numpy.where(blind, uniform, weights)
            output = numpy.where(blind, uniform @ given.value, output)
    return Computed(weights, output, given.logits)


def logits_of(recipe: Recipe, view: View) -> Logits:
    """What the softmax of the rows in ``view`` is given."""
    scores = scores_of(recipe, view)
    scaled = scores * recipe.scale
    if recipe.softcap is not None and recipe.cap_at in CAPS:
        scaled = CAPS[recipe.cap_at](scores, recipe.scale, recipe.softcap)
    scaled = rounded(scaled, recipe.rounded.scores)
    bias = _of_view(recipe.bias, view)
    masked = scaled if bias is None else scaled + bias
    masked, hidden = _masked(recipe, view, masked)
    if recipe.softcap is not None and recipe.cap_at == "masked":
        masked = _capped(masked, recipe.softcap)
    if recipe.sharpness != 1:
        masked = masked * recipe.sharpness
    sinks = None if recipe.sinks is None else recipe.sinks[view.heads][:, None, None] * recipe.sharpness
    return Logits(masked, hidden, sinks, value_of(recipe, view))


def _capped(numbers: Array, cap: float) -> Array:
    capped: Array = cap * numpy.tanh(numbers / cap)
    return capped


# How a softcap bends the scores; "masked" bends them after all is added.
CAPS: dict[str, Callable[[Array, float, float], Array]] = {
    "scaled": lambda scores, scale, cap: _capped(scores * scale, cap),
    "scores": lambda scores, scale, cap: _capped(scores, cap) * scale,
    "unmultiplied": lambda scores, scale, cap: _capped(scores * scale, cap) / cap,
    "undivided": lambda scores, scale, cap: cap * numpy.tanh(scores * scale),
    "clipped": lambda scores, scale, cap: numpy.clip(scores * scale, -cap, cap),
}


def _masked(recipe: Recipe, view: View, masked: Array) -> tuple[Array, Array]:
    """The logits with hidden cells as the recipe leaves them, and which cells are hidden."""
    hiding = recipe.hiding
    hidden = _hidden(recipe, view, True, True)
    strictly = hidden
    if hiding is not None:
        softly = _hidden(recipe, view, hiding.mask, hiding.band)
        strictly = _hidden(recipe, view, not hiding.mask, not hiding.band)
        if hiding.fill is not None:
            masked = numpy.where(softly, hiding.fill, masked)
        elif hiding.plus is not None:
            masked = numpy.where(softly, masked + hiding.plus, masked)
    lost = _of_view(recipe.lost, view)
    strictly = strictly if lost is None else strictly | lost
    return numpy.where(strictly, -math.inf, masked), hidden


def _hidden(recipe: Recipe, view: View, mask: bool, band: bool) -> Array:
    """The cells that the mask hides, those that causal and window hide, or both: (items or 1, heads or 1, rows, keys)."""
    key = (
        "hidden",
        recipe.mask is not None and id(recipe.mask),
        recipe.band,
        recipe.either,
        id(view.rows),
        id(view),
        mask,
        band,
    )
    if key not in recipe.memo:
        recipe.memo[key] = (_told_hidden(recipe, view, mask, band), recipe.mask, view)
    hidden: Array = recipe.memo[key][0]
    return hidden


def _told_hidden(recipe: Recipe, view: View, mask: bool, band: bool) -> Array:
    near = recipe.band.seen(view.rows, recipe.queries, recipe.keys) if band else None
    shown = _of_view(recipe.mask, view) if mask else None
    if near is None and shown is None:
        return numpy.zeros((1, 1, 1, 1), bool)
    if near is None or shown is None:
        return ~(near[None, None] if shown is None else shown)  # type: ignore[index]  # one of the two is there
    seen = near[None, None] | shown if recipe.either else near[None, None] & shown
    return ~seen


def scores_of(recipe: Recipe, view: View) -> Array:
    """QKᵀ of the rows in ``view``, (items, heads, rows, keys); kept, where they are few, for the next recipe."""
    key = (
        *("scores", id(recipe.query), id(recipe.key), recipe.turn_query, recipe.turn_key, id(recipe.groups)),
        *(id(recipe.key_places), id(view), recipe.rounded.inputs),
    )
    if key in recipe.memo:
        found: Array = recipe.memo[key][0]
        return found
    queries = _rows_of(recipe, view)
    keys = _read(
        _of_heads(recipe, recipe.key, view.items, recipe.groups[view.heads], recipe.turn_key), recipe.key_places
    )
    bits = recipe.rounded.inputs
    scores: Array = rounded(queries, bits) @ rounded(keys, bits).swapaxes(-1, -2)
    if scores.size <= KEPT:  # what a key names by its id is kept beside it, so that no other takes its place
        recipe.memo[key] = (scores, recipe.query, recipe.key, recipe.groups, recipe.key_places, view)
    return scores


def value_of(recipe: Recipe, view: View) -> Array:
    """The values that the heads in ``view`` read, (items, heads, keys, d_v)."""
    groups = recipe.groups if recipe.value_groups is None else recipe.value_groups
    values = _of_heads(recipe, recipe.value, view.items, groups[view.heads], recipe.turn_value)
    return rounded(_read(values, recipe.value_places), recipe.rounded.values)


def _read(tokens: Array, places: Array | None) -> Array:
    """(items, heads, tokens, d) at ``places``."""
    return tokens if places is None else tokens[:, :, places]


def _rows_of(recipe: Recipe, view: View) -> Array:
    """The queries in ``view``, turned, (items, heads, rows, d)."""
    some: Array = recipe.query[view.items[:, None, None], view.heads[:, None], view.rows].astype(recipe.precision)
    for turn in recipe.turn_query:
        some = turn.at(view.rows).turned(some, view.items)
    return some.astype(recipe.precision, copy=False)


def _of_heads(recipe: Recipe, array: Array, items: Array, heads: Array, turns: tuple[Turn, ...]) -> Array:
    """Some heads of some items, (items, heads, tokens, d), turned; those last used are kept, as most mistakes share them."""
    key = (id(array), items.tobytes(), heads.tobytes(), turns)
    last: dict[Any, Any] = recipe.memo.setdefault("last", {})
    if key not in last:
        some: Array = array[items[:, None], heads].astype(recipe.precision)
        for turn in turns:
            some = turn.turned(some, items)
        if len(last) >= LAST:
            last.pop(next(iter(last)))
        last[key] = (some.astype(recipe.precision, copy=False), array)
    found: Array = last[key][0]
    return found


def _of_view(array: Array | None, view: View) -> Array | None:
    """The rows in ``view`` of (items or 1, heads or 1, queries or 1, keys)."""
    if array is None:
        return None
    places = zip(view, array.shape[:3], strict=True)
    items, heads, rows = (one if size > 1 else numpy.zeros(1, int) for one, size in places)
    some: Array = array[items[:, None, None], heads[:, None], rows]
    return some


def rounded(numbers: Array, bits: int | None) -> Any:
    """``numbers`` with so many bits of significand, to the nearest, ties to even; the range of exponents stays."""
    if bits is None:
        return numbers
    fraction, exponent = numpy.frexp(numbers)
    return numpy.ldexp(numpy.rint(numpy.ldexp(fraction, bits)), exponent - bits)
