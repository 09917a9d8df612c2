"""How large a page is going to be, and what to say where that is too much."""

from __future__ import annotations

import math
from collections.abc import Sequence

from attnviz.errors import AttnvizError
from attnviz.renderers.page.forms import forms, packed_size
from attnviz.renderers.page.limits import BARE, MEGABYTE, USUAL, Limits
from attnviz.renderers.page.pooled_maps import needs_pooling, pooled_size
from attnviz.trace.selection import LayerSelection

HOPELESS = 2  # times what a page may take: so far off that it need not be tried
HOPELESS_POOLED = 4  # the maps of heads that look at few keys are compressed to a quarter


def require_hope(selected_layers: Sequence[LayerSelection], limits: Limits = USUAL) -> None:
    """Raise the AttnvizError of a page that is far too large, before anything of it is computed."""
    hopeless = HOPELESS_POOLED if needs_pooling(selected_layers, limits) else HOPELESS
    if (expected := arrays_size(selected_layers, limits)) > hopeless * limits.size:
        raise too_large(selected_layers, expected, limits)


def arrays_size(selected_layers: Sequence[LayerSelection], limits: Limits = USUAL) -> int:
    """About how many bytes the arrays of ``selected_layers`` take in the smallest form."""
    if needs_pooling(selected_layers, limits):
        return pooled_size(selected_layers, limits)
    return min(packed_size(selected_layers, form) for form in forms(selected_layers, Limits(megabytes=0)))


def too_large(selected_layers: Sequence[LayerSelection], size: float, limits: Limits = USUAL) -> AttnvizError:
    """The error of a page of ``size`` bytes, with how much of it would fit."""
    message = f"the page would take {_megabytes(size)}, and {limits.megabytes:g} are the most that it may"
    layers = _fitting([selected_layers[:count] for count in range(1, len(selected_layers))], limits)
    most = max(selected_layers, key=lambda selected: len(selected.heads))
    heads = _fitting([[most._replace(heads=most.heads[:count])] for count in range(1, len(most.heads))], limits)
    if layers:
        some = f"about {layers} of the {len(selected_layers)} layers fit: select them with --layer"
    elif heads:
        some = f"about {heads} heads of one layer fit: select them with --layer and --head"
    else:
        some = "give a shorter text"
    return AttnvizError(message, f"{some}, or raise --max-size")


def _fitting(growing: Sequence[Sequence[LayerSelection]], limits: Limits) -> int:
    """The place, from 1, of the last of these pages that stays within the limits; 0 where none does.

    Not all before it need to: the one head of a long text has more cells than two have together.
    """
    fitting = (arrays_size(selected_layers, limits) + BARE <= limits.size for selected_layers in growing)
    return max((place for place, fits in enumerate(fitting, 1) if fits), default=0)


def _megabytes(size: float) -> str:
    """A size in megabytes, never less than it is."""
    digits = 1 if size >= MEGABYTE else 2
    return f"{math.ceil(size / MEGABYTE * 10**digits) / 10**digits:,.{digits}f} MB"
