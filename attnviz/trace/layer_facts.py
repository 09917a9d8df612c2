"""What a layer says of itself beside its arrays, whether it can be so, and how an error names it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from copy import copy
from typing import Any

from attnviz.attention.rule import LARGEST_POSITION
from attnviz.errors import AttnvizError
from attnviz.text.display import shorten
from attnviz.text.message import COMMA, Message, joined

MOST = 6  # layers that a sentence names
LARGEST_INDEX = 999_999  # of a layer: what a person can name, and every format can hold


def with_facts(layer: Any, **facts: Any) -> Any:
    """``layer``, a ``Layer``, with other ``facts`` beside the same arrays, which were looked at and are not again.

    Of a text of 20 tokens, making a layer anew takes longer than computing its attention.
    """
    other = copy(layer)
    vars(other).update(facts)
    require_facts(other)
    return other


def require_facts(layer: Any) -> None:
    """Raise AttnvizError where ``layer``, a ``Layer``, says what no layer can be."""
    if (last := (layer.rule.query_offset or 0) + layer.queries - 1) > LARGEST_POSITION:
        raise AttnvizError("the last query stands at {last}: positions are at most 2⁵³", last=last)
    if layer.rotation is not None and 2 * len(layer.rotation.frequencies) > layer.known("query").shape[-1]:
        raise AttnvizError(
            "the rotation turns {pairs} pairs, but d_k is {dimension}",
            pairs=len(layer.rotation.frequencies),
            dimension=layer.query.shape[-1],
        )
    if layer.slopes is not None and len(layer.slopes) != layer.heads:
        raise AttnvizError(
            "{slopes} slopes for {heads} heads: give one per head", slopes=len(layer.slopes), heads=layer.heads
        )
    if not all(map(math.isfinite, layer.slopes or ())):
        raise AttnvizError("slopes are {slopes}: they must be finite numbers", slopes=layer.slopes)
    if type(layer.index) is not int or not isinstance(layer.name, str):
        raise AttnvizError(
            "a layer needs a number and a name, got {index!r}, {name!r}", index=layer.index, name=layer.name
        )
    if layer.kind not in ("self", "cross"):
        raise AttnvizError("a layer's kind is {kind}: expected self or cross", kind=shorten(repr(layer.kind), 41))
    if not 0 <= layer.index <= LARGEST_INDEX:
        raise AttnvizError(
            "a layer's index is {index}: expected a whole number from 0 to {most:,}",
            index=layer.index,
            most=LARGEST_INDEX,
        )


def layer_words(title: str) -> str:
    """A layer by its ``title``: of "layer 3" the word is ours, and of "decoder 3" it is the name of the model's stack."""
    word, _, number = title.partition(" ")
    return Message("layer {layer}", layer=number) if word == "layer" else title


def layers_words(titles: Iterable[str]) -> str:
    """Several of them, one after the other; of many the first."""
    every = [layer_words(title) for title in titles]
    names = joined(every[:MOST], COMMA)
    return Message("{names}, …", names=names) if len(every) > MOST else names
