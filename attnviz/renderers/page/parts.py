"""Which heads a page holds in which form, so that it shows as much as it may be large."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy

from attnviz.attention.arrays import to_numpy
from attnviz.renderers.page.forms import Form, best_form, packed_size, smallest_form
from attnviz.renderers.page.limits import USUAL, Limits
from attnviz.renderers.page.packing import Part
from attnviz.renderers.page.pooled_maps import pooled_size
from attnviz.trace.roles import WORN, HeadRole
from attnviz.trace.selection import LayerSelection
from attnviz.trace.slices import some_queries

SAMPLED = 16  # queries that tell how sharply a head looks
CAREFUL = 1.15  # times what pooled maps are thought to take: compression leaves more of some
Head = tuple[int, int]  # the place of a layer, and the number of a head


def page_parts(
    selected_layers: Sequence[LayerSelection],
    limits: Limits = USUAL,
    roles: Iterable[HeadRole] = (),
    beyond: float = 0,
) -> list[Part]:
    """The parts of a page of ``selected_layers``, layer after layer, which takes no more than the ``limits`` say.

    Every head in the most exact form that has room for all; where there is none, the heads that stand out in 16 bits a
    number, the others as 8-bit weights, or as pooled maps where not even these fit. ``beyond`` is how many bytes go to what
    is no array.
    """
    if is_beyond_browsers(selected_layers, limits):
        return [Part(selected, Form.POOLED) for selected in selected_layers]
    alone = [selected for selected in selected_layers if selected.layer.weights_alone]
    if alone:
        return _beside_computed(selected_layers, alone, limits, roles, beyond)
    room = limits.room - beyond
    if (form := best_form(selected_layers, limits, beyond)) is not None:
        return [Part(selected, form) for selected in selected_layers]
    weights = packed_size(selected_layers, Form.WEIGHTS, room)
    rest = Form.WEIGHTS if weights <= max(room, pooled_size(selected_layers, limits)) else Form.POOLED
    ranked = outstanding(selected_layers, roles)
    best = smallest_form(selected_layers)

    def split(count: int) -> list[Part]:
        return _split(selected_layers, set(ranked[:count]), best, rest)

    def size(count: int) -> float:
        """About how many bytes it takes; all maps in weights have as many cells, so they share what all of them take."""
        others = [part.selected for part in split(count) if part.form is rest]
        own = packed_size([part.selected for part in split(count) if part.form is best], best)
        if own > limits.computed_room - beyond:
            return math.inf
        return own + (
            CAREFUL * pooled_size(others, limits) if rest is Form.POOLED else weights * _heads(others) / len(ranked)
        )

    return split(_most(len(ranked), lambda count: size(count) <= room))


def _beside_computed(
    selected_layers: Sequence[LayerSelection],
    alone: Sequence[LayerSelection],
    limits: Limits,
    roles: Iterable[HeadRole],
    beyond: float,
) -> list[Part]:
    """The parts of a page that has layers of weights ``alone``, in as exact a form as has room, and maybe others."""
    form = given_form(alone, limits, beyond)
    others = [selected for selected in selected_layers if not selected.layer.weights_alone]
    taken = parts_size([Part(selected, form) for selected in alone], limits)
    computed = page_parts(others, limits, roles, beyond + taken) if others else []
    return [
        part
        for selected in selected_layers
        for part in (
            [Part(selected, form)]
            if selected.layer.weights_alone
            else [part for part in computed if part.selected.layer is selected.layer]
        )
    ]


def given_form(alone: Sequence[LayerSelection], limits: Limits, beyond: float = 0) -> Form:
    """The most exact form that has room for layers of weights ``alone``."""
    room = limits.room - beyond
    if packed_size(alone, Form.GIVEN) <= limits.easy - beyond:
        return Form.GIVEN
    fits = packed_size(alone, Form.WEIGHTS, room) <= max(room, pooled_size(alone, limits))
    return Form.WEIGHTS if fits else Form.POOLED


def is_beyond_browsers(selected_layers: Sequence[LayerSelection], limits: Limits) -> bool:
    """Whether a browser could not compute the maps, whatever their size, or lacks the keys that are not of the region."""
    return longest(selected_layers) > limits.tokens or not all(selected.whole for selected in selected_layers)


def longest(selected_layers: Sequence[LayerSelection]) -> int:
    """The most tokens along any side of their maps."""
    return max(len(side) for selected in selected_layers for side in selected.ranges)


def parts_size(parts: Sequence[Part], limits: Limits = USUAL, room: float | None = None) -> int:
    """About how many bytes of base64 the arrays of ``parts`` take; weights that seem too many for so many bytes of ``room``
    (None: however many they are) are looked at."""
    total = 0
    for form in Form:
        some = [part.selected for part in parts if part.form is form]
        if some and form is Form.POOLED:
            total += pooled_size(some, limits)
        elif some:
            total += packed_size(some, form, math.inf if room is None else room)
    return total


def outstanding(selected_layers: Sequence[LayerSelection], roles: Iterable[HeadRole] = ()) -> list[Head]:
    """All heads, the ones that stand out first: those that wear a role, then by the largest weight of a row on average over
    a few queries, the first key apart (a head's confidence, Voita et al. 2019, 1905.09418, section 4; nearly every
    head rests on the first key)."""
    worn = {(role.layer, role.head) for role in roles if role.verdict in WORN}
    ranked = []
    for place, selected in enumerate(selected_layers):
        confident = _confidence(selected)
        for head in selected.heads:
            own = not selected.layer.stack and (selected.layer.index, head) in worn
            ranked.append((not own, -float(confident[head]), (place, head)))
    return [head for *_, head in sorted(ranked)]


def _confidence(selected: LayerSelection) -> numpy.ndarray:
    """The largest weight of a row that is not on the first key, on average over a few queries, (heads,)."""
    layer, queries = selected.layer, selected.layer.queries
    count = min(SAMPLED, queries)
    places = [(2 * place + 1) * queries // (2 * count) for place in range(count)]
    rows = [to_numpy(some_queries(layer, place, place + 1).steps().weights)[:, 0] for place in places]
    return numpy.asarray(numpy.mean([row[:, 1:].max(axis=-1, initial=0.0) for row in rows], axis=0))


def _heads(selected_layers: Iterable[LayerSelection]) -> int:
    return sum(len(selected.heads) for selected in selected_layers)


def _most(count: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to ``count`` that fits, where every smaller one does; 0 where none does."""
    low, high = 0, count
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _split(selected_layers: Sequence[LayerSelection], chosen: set[Head], best: Form, rest: Form) -> list[Part]:
    """The ``chosen`` heads in the form ``best``, all others in the form ``rest``."""
    parts = []
    for place, selected in enumerate(selected_layers):
        for form, own in ((best, True), (rest, False)):
            heads = tuple(head for head in selected.heads if ((place, head) in chosen) is own)
            if heads:
                parts.append(Part(selected._replace(heads=heads), form))
    return parts
