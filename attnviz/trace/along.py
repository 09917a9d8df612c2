"""A trace whose contributions are measured along a direction: one that it holds, or that of each layer's own output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from attnviz.attention.arrays import Array, namespace
from attnviz.attention.threads import side_by_side
from attnviz.choices import OUTPUT
from attnviz.errors import AttnvizError
from attnviz.text.display import shorten, shown
from attnviz.trace.contribution import is_known, is_unprojected, lengths
from attnviz.trace.direction import Direction
from attnviz.trace.layer import Layer
from attnviz.trace.slices import seen_keys, some_queries
from attnviz.trace.trace import Trace

CELLS = 1 << 20  # of scores that are held at a time
WORKERS = 8  # blocks at once


class OutputDirection(Direction):
    """The direction of the layer's own output, of length 1 for each query, computed when it is first looked at."""

    def __init__(self, layer: Layer) -> None:
        vars(self).update(token=OUTPUT, divisors=None, _layer=layer)

    @cached_property
    def vector(self) -> Array:
        """(queries, d_out); 0 where the output is 0."""
        return _output_direction(vars(self)["_layer"])


def along(trace: Trace, token: str | None) -> Trace:
    """``trace`` with its contributions measured along the logit of ``token``, or along OUTPUT; None: by their lengths.

    AttnvizError where it holds no direction of this token.
    """
    if token is None:
        directed = any(one.toward is not None for one in trace.layers)
        return replace(trace, layers=tuple(replace(one, toward=None) for one in trace.layers)) if directed else trace
    if token == OUTPUT:
        known = {one.title for one in trace.layers if is_known(one)}
        layers = (replace(one, toward=OutputDirection(one) if one.title in known else None) for one in trace.layers)
        return replace(trace, layers=tuple(layers))
    if not any(one.toward is not None and one.toward.token.strip() == token.strip() for one in trace.layers):
        raise AttnvizError(
            "no direction of {token} is known here: it comes with a model that predicts tokens",
            "take --model DIR_OR_ID, or save the trace with attnviz capture --toward TOKEN",
            token=shorten(shown(token), 40),
        )
    return trace


def _output_direction(layer: Layer) -> Array:
    """What the layer puts out, in its direction of length 1, some rows at a time.  (queries, d_out)"""
    size = max(1, CELLS // (layer.heads * layer.keys))
    starts = range(0, layer.queries, size)

    def work(start: int) -> Iterator[Array]:
        _, some = seen_keys(some_queries(layer, start, min(start + size, layer.queries)))
        yield layer.concat(some.steps().output)

    with side_by_side(layer.queried, work, starts, WORKERS) as done:
        concat = list(done)
    output = namespace(concat[0]).concat(concat)
    output = output if is_unprojected(layer) else layer.projected(output)
    length = lengths(output)
    return output / namespace(length).where(length == 0, 1.0, length)[:, None]
