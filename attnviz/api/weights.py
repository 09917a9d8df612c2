"""The public call for weights that another program computed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attnviz.arguments import whole_number

if TYPE_CHECKING:
    from attnviz.trace.trace import Trace


def trace_weights(
    attentions: Any,
    tokens: str | Iterable[str] | None = None,
    *,
    key_tokens: str | Iterable[str] | None = None,
    kind: str = "self",
    item: int | None = None,
    causal: bool = False,
    query_offset: int | None = None,
    window: int | None = None,
    mask: Any = None,
) -> Trace:
    """The trace of attention weights that another program computed, where nothing else is known of its attention.

    attentions    of a model of transformers, what output_attentions=True gives: a tuple of (batch, heads, queries, keys);
                  of its generate(), a tuple of such a tuple for each step, whose rows are joined; or, of any program, one
                  array for each layer, with or without its batch, or one of all, (layers, heads, queries, keys). NumPy,
                  torch, JAX, Keras, nested lists; None for a layer that has no attention
    tokens        of the queries, a list or a text that is split at its spaces; after a generation with the last one, too,
                  which was chosen and never read. None: positions
    key_tokens    of the keys, where they are others; kind is "cross" where they are of another text
    item          which text of a batch
    causal, query_offset, window, mask   which keys a query could see, as far as that is known. Without it a weight of 0 is
                  shown as a 0, and nothing as hidden; what a cache did not hold in a step of a generation is hidden anyway

    Every look that needs nothing but weights works on the trace; the others are an AttnvizError that says what is missing.
    Rows that do not add up to 1, by more than rounding of the type in which they were written, stay as they are: the trace's
    ``source["row_sums"]`` and every look say so. AttnvizError where a weight is NaN, below 0 or above 1, or where shapes,
    tokens or what may be seen do not fit.
    """
    from attnviz.attention.arrays import as_array
    from attnviz.attention.rule import Rule
    from attnviz.sources.weights.trace_weights import trace_weights as traced

    seen = None if mask is None else as_array(mask, "mask")
    rule = Rule(causal=causal, query_offset=query_offset, window=window, mask=seen)
    place = None if item is None else whole_number("item", item)
    return traced(attentions, tokens, key_tokens=key_tokens, kind=kind, item=place, rule=rule)
