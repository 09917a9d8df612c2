"""What is said of a page that could not hold all, and of one that would be too large."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from attnviz.choices import MapStep, Pool
from attnviz.errors import AttnvizError
from attnviz.renderers.page.forms import BASE64, Form, packed_size, smallest_form
from attnviz.renderers.page.limits import MEGABYTE, USUAL, Limits, bare_size
from attnviz.renderers.page.packing import Part
from attnviz.renderers.page.parts import is_beyond_browsers, parts_size
from attnviz.renderers.page.pooled_maps import frames, pooled_size
from attnviz.renderers.page.sums import sums_up
from attnviz.renderers.shared.numbers import pooled_cells
from attnviz.text.message import Message
from attnviz.trace.selection import LayerSelection
from attnviz.trace.trace import Trace

TOKEN, HEAD, LAYER = 3, 64, 900  # bytes that are said of each
PAGE = 1_800  # bytes that are said of a page, however little it holds
SCALE = 4 * BASE64  # bytes for each row of weights
ROUGH = 1.05  # times what weights are thought to take of which a few were looked at
WHOLE = 1.01  # times what numbers take that compression makes no smaller
HOPELESS = {Form.WEIGHTS: 2, Form.POOLED: 4}  # times what a page may take: so far off that it need not be tried.
# The maps of heads that look at few keys are compressed to a quarter.


def what_is_missing(parts: Sequence[Part], limits: Limits = USUAL, pool: Pool = Pool.MEAN) -> str:
    """What a person is told of a page that does not hold Query, Key and Value of all heads: of how many it does, what it
    holds of the others, and why; "" where nothing is missing that could be there."""
    rest = [part.selected for part in parts if not part.form.computes and part.form is not Form.GIVEN]
    pooled = [part.selected for part in parts if part.form is Form.POOLED]
    if not rest:
        return ""
    frame = frames(pooled, limits, pool)[0] if pooled else None
    cells = pooled_cells(frame.shape, frame.cell, pool) if frame and frame.pooled else ""
    told = Message("each map has {cells}", cells=cells) if cells else ""
    if is_beyond_browsers(rest, limits):
        long = "{told}: the text is long; --query A:B with --key C:D shows a part of it"
        return Message(long, told=told) if told else ""
    every = sum(len(part.selected.heads) for part in parts)
    computed = every - sum(len(selected.heads) for selected in rest)
    held = told or (Message("every weight has 16 bits") if pooled else Message("every weight has 8 bits"))
    if all(selected.layer.weights_alone for selected in rest):
        return Message(
            "the weights do not fit into {megabytes:g} MB as they are: {held}; --max-size makes room for more, --layer and "
            "--head choose heads",
            megabytes=limits.megabytes,
            held=held,
        )
    return Message(
        (
            "Query, Key and Value of {computed} of {every} heads fit into {megabytes:g} MB; of the others {held}; "
            "--max-size makes room for more, --layer and --head choose heads"
        )
        if computed
        else (
            "Query, Key and Value of {every} heads do not fit into {megabytes:g} MB: {held}; "
            "--max-size makes room for more, --layer and --head choose heads"
        ),
        computed=computed,
        every=every,
        megabytes=limits.megabytes,
        held=held,
    )


def missing_ways(limits: Limits = USUAL) -> str:
    """What a person is told of a page that could not hold what leads to Query, Key and Value, and from the outputs on."""
    return Message(
        "X, W_Q, W_K, W_V and W_O do not fit into {megabytes:g} MB, so the page does not show these steps; "
        "--max-size makes room for them",
        megabytes=limits.megabytes,
    )


def missing_step(parts: Sequence[Part], step: MapStep | None) -> str:
    """What a person is told of a page that was to open with ``step`` and does not hold it; "" of any other."""
    if step in (None, MapStep.WEIGHTS):
        return ""
    if any(part.form.computes for part in parts):
        if step is not MapStep.SUMMED or any(sums_up(part, step) for part in parts):
            return ""
        return Message(
            "the page holds no layer with Query, Key and Value of all its heads, so it opens with weights in place of {step}",
            step=step.value,
        )
    return Message("the page holds weights alone, so it opens with these in place of {step}", step=step.value)


def told_size(trace: Trace, selected_layers: Sequence[LayerSelection]) -> float:
    """About how many bytes of a page go to what it says of these layers: tokens, names, rules and metrics."""
    heads = sum(len(selected.heads) for selected in selected_layers)
    return sum(len(token) + TOKEN for token in trace.tokens) + HEAD * heads + LAYER * len(selected_layers)


def require_hope(
    trace: Trace, parts: Sequence[Part], selected_layers: Sequence[LayerSelection], limits: Limits
) -> None:
    """Raise the AttnvizError of a page that is far too large, before anything of it is computed."""
    expected = parts_size(parts, limits, limits.room)
    hopeless = max(HOPELESS.get(part.form, 1) for part in parts)
    if expected > hopeless * limits.size:
        raise too_large(trace, selected_layers, expected, limits)
    if limits.room <= 0:
        raise too_large(trace, selected_layers, expected + bare_size(), limits)


def too_large(
    trace: Trace, selected_layers: Sequence[LayerSelection], size: float, limits: Limits = USUAL
) -> AttnvizError:
    """The error of a page of ``size`` bytes, with how much of it would fit."""
    message = Message(
        "the page would take {size}, and {megabytes:g} are the most that it may",
        size=_megabytes(size),
        megabytes=limits.megabytes,
    )
    layers = _fitting(trace, [selected_layers[:count] for count in range(1, len(selected_layers))], limits)
    most = max(selected_layers, key=lambda selected: len(selected.heads))
    heads = _fitting(trace, [[most._replace(heads=most.heads[:count])] for count in range(1, len(most.heads))], limits)
    if layers == 1:
        some = Message("about one of the {of} layers fits: select it with --layer", of=len(selected_layers))
    elif layers:
        some = Message(
            "about {layers} of the {of} layers fit: select them with --layer", layers=layers, of=len(selected_layers)
        )
    elif heads == 1:
        some = Message("about one head of one layer fits: select it with --layer and --head")
    elif heads:
        some = Message("about {heads} heads of one layer fit: select them with --layer and --head", heads=heads)
    else:
        some = Message("give a shorter text")
    return AttnvizError(message, "{some}, or raise --max-size", some=some)


def _fitting(trace: Trace, growing: Sequence[Sequence[LayerSelection]], limits: Limits) -> int:
    """The place, from 1, of the last of these pages that stays within the limits; 0 where none does.

    Not all before it need to: the one head of a long text has more cells than two have together.
    """
    rooms = (limits.room - told_size(trace, some) - PAGE for some in growing)
    fitting = (any(size <= room for size in _sizes(some, limits)) for some, room in zip(growing, rooms, strict=True))
    return max((place for place, fits in enumerate(fitting, 1) if fits), default=0)


def _sizes(selected_layers: Sequence[LayerSelection], limits: Limits) -> Iterator[float]:
    """About how many bytes the arrays of ``selected_layers`` take, and not less, in each form that a page may choose; last
    that for which the weights must be looked at."""
    heads = [(len(selected.heads), selected.layer.queries) for selected in selected_layers]
    yield WHOLE * pooled_size(selected_layers, limits) + SCALE * sum(of * min(rows, limits.cells) for of, rows in heads)
    if is_beyond_browsers(selected_layers, limits):
        return
    if not any(selected.layer.weights_alone for selected in selected_layers):
        yield packed_size(selected_layers, smallest_form(selected_layers))
    yield ROUGH * packed_size(selected_layers, Form.WEIGHTS, room=0) + SCALE * sum(of * rows for of, rows in heads)


def _megabytes(size: float) -> str:
    """A size in megabytes, never less than it is."""
    digits = 1 if size >= MEGABYTE else 2
    return f"{math.ceil(size / MEGABYTE * 10**digits) / 10**digits:,.{digits}f} MB"
