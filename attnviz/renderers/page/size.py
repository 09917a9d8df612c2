"""How large a page is going to be, what it so can hold, and what to say where even that is too much."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attnviz.choices import Pool
from attnviz.errors import AttnvizError
from attnviz.renderers.page.forms import forms, packed_size
from attnviz.renderers.page.limits import BARE, MEGABYTE, USUAL, Limits
from attnviz.renderers.page.pooled_maps import frames, pooled_size
from attnviz.renderers.shared.numbers import pooled_cells
from attnviz.text.message import Message
from attnviz.trace.selection import LayerSelection

HOPELESS = 2  # times what a page may take: so far off that it need not be tried
HOPELESS_POOLED = 4  # the maps of heads that look at few keys are compressed to a quarter


def needs_pooling(selected_layers: Sequence[LayerSelection], limits: Limits = USUAL, made: float | None = None) -> bool:
    """Whether the page holds maps that are computed here, pooled where there is not room for every pair: a browser could
    not compute them, or lacks the keys that are not of the region, or a page of every pair would take more than it may.

    ``made`` is how many bytes such a page took, where it was tried; else that is estimated.
    """
    if _is_beyond_browsers(selected_layers, limits):
        return True
    whole = _whole_size(selected_layers, limits) + BARE if made is None else made
    return whole > limits.size and pooled_size(selected_layers, limits) + BARE < whole


def longest(selected_layers: Sequence[LayerSelection]) -> int:
    """The most tokens along any side of their maps."""
    return max(len(side) for selected in selected_layers for side in selected.ranges)


def why_pooled(selected_layers: Sequence[LayerSelection], limits: Limits = USUAL, pool: Pool = Pool.MEAN) -> str:
    """What a person is told of a page whose cells are of many tokens: why, and what would show every pair; else ""."""
    frame = frames(selected_layers, limits, pool)[0]
    if not frame.pooled:
        return ""
    cells = Message("each map has {cells}", cells=pooled_cells(frame.shape, frame.cell, pool))
    if _is_beyond_browsers(selected_layers, limits):
        return Message("{cells}: the text is long; --query A:B with --key C:D shows a part of it", cells=cells)
    return Message(
        "{cells}: a page of every pair would be larger than {megabytes:g} MB; --layer and --head choose fewer maps",
        cells=cells,
        megabytes=limits.megabytes,
    )


def require_hope(selected_layers: Sequence[LayerSelection], limits: Limits, pooled: bool) -> None:
    """Raise the AttnvizError of a page that is far too large, before anything of it is computed."""
    hopeless = HOPELESS_POOLED if pooled else HOPELESS
    expected = pooled_size(selected_layers, limits) if pooled else _whole_size(selected_layers, limits)
    if expected > hopeless * limits.size:
        raise too_large(selected_layers, expected, limits)


def too_large(selected_layers: Sequence[LayerSelection], size: float, limits: Limits = USUAL) -> AttnvizError:
    """The error of a page of ``size`` bytes, with how much of it would fit."""
    message = Message(
        "the page would take {size}, and {megabytes:g} are the most that it may",
        size=_megabytes(size),
        megabytes=limits.megabytes,
    )
    layers = _fitting([selected_layers[:count] for count in range(1, len(selected_layers))], limits)
    most = max(selected_layers, key=lambda selected: len(selected.heads))
    heads = _fitting([[most._replace(heads=most.heads[:count])] for count in range(1, len(most.heads))], limits)
    if layers:
        some = Message(
            "about {layers} of the {of} layers fit: select them with --layer", layers=layers, of=len(selected_layers)
        )
    elif heads:
        some = Message("about {heads} heads of one layer fit: select them with --layer and --head", heads=heads)
    else:
        some = Message("give a shorter text")
    return AttnvizError(message, "{some}, or raise --max-size", some=some)


def _is_beyond_browsers(selected_layers: Sequence[LayerSelection], limits: Limits) -> bool:
    """Whether a browser could not compute the maps, whatever their size, or lacks the keys that are not of the region."""
    return longest(selected_layers) > limits.tokens or not all(selected.whole for selected in selected_layers)


def _whole_size(selected_layers: Sequence[LayerSelection], limits: Limits, room: float | None = None) -> int:
    """About how many bytes the arrays of ``selected_layers`` take in the smallest form that holds every pair; where they
    seem too many for the ``room`` (that of the limits, unless given), some are looked at.
    """
    room = limits.room if room is None else room
    smallest = forms(selected_layers, Limits(megabytes=math.inf, easy=0))  # none is easy, so the smallest are tried
    return min(packed_size(selected_layers, form, room) for form in smallest)


def _smallest_size(selected_layers: Sequence[LayerSelection], limits: Limits) -> int:
    """The same of whatever the page can hold of them, without a look at the weights."""
    pooled = pooled_size(selected_layers, limits)
    if _is_beyond_browsers(selected_layers, limits):
        return pooled
    return min(pooled, _whole_size(selected_layers, limits, math.inf))


def _fitting(growing: Sequence[Sequence[LayerSelection]], limits: Limits) -> int:
    """The place, from 1, of the last of these pages that stays within the limits; 0 where none does.

    Not all before it need to: the one head of a long text has more cells than two have together.
    """
    fitting = (_smallest_size(selected_layers, limits) + BARE <= limits.size for selected_layers in growing)
    return max((place for place, fits in enumerate(fitting, 1) if fits), default=0)


def _megabytes(size: float) -> str:
    """A size in megabytes, never less than it is."""
    digits = 1 if size >= MEGABYTE else 2
    return f"{math.ceil(size / MEGABYTE * 10**digits) / 10**digits:,.{digits}f} MB"
