"""The layers of a trace whose tokens stand in a picture: those of one stack, in which a query means something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from attnviz.errors import AttnvizError
from attnviz.text.message import Message
from attnviz.trace.boxes import boxes_of_queries, picture_size
from attnviz.trace.layer import Layer
from attnviz.trace.selectors import layers_meant, names_a_stack, positions_meant
from attnviz.trace.trace import Trace


def in_picture(trace: Trace, layer: Sequence[str] = (), query: str | range | None = None) -> Trace:
    """``trace`` with only those of its layers that look at patches of a picture, and, where ``layer`` names no stack, of one: the
    text's where it has some, or the first in which there is such a ``query``.

    AttnvizError where no layer looks at a patch whose place is known.
    """
    layers = [one for one in trace.layers if one.boxes is not None]
    if not layers:
        raise AttnvizError(
            "it is not known where the tokens of this trace stand in an image",
            "capture a model that looks at images: attnviz capture --file IMAGE --model DIR_OR_ID -o NAME.safetensors",
        )
    if layer and _none_meant(trace, layer, layers):
        raise AttnvizError(
            "layer {layer} looks at no patch whose place in the image is known",
            "leave out --layer, or choose another",
            layer=",".join(layer),
        )
    if names_a_stack(layer):
        return _only(trace, layers)
    stacks = sorted(dict.fromkeys(one.stack for one in layers), key=bool)  # the text's, which has no name, first
    found = [stack for stack in stacks if query is None or _has(trace, layers, stack, query)]
    return _only(trace, [one for one in layers if one.stack == (found or stacks)[0]])


def require_same_size(trace: Trace, size: tuple[int, int]) -> None:
    """Refuse a picture of this width and height where the one that was read has others."""
    read = picture_size(trace.source)
    if read is not None and size != read:
        raise AttnvizError(
            "the image has {width:,} × {height:,} pixels, and the one that was read {read_width:,} × {read_height:,}",
            "give the file that the model has read, not resized and not cropped",
            width=size[0],
            height=size[1],
            read_width=read[0],
            read_height=read[1],
        )


def _none_meant(trace: Trace, layer: Sequence[str], layers: Sequence[Layer]) -> bool:
    """Whether none of the layers that are asked for is among ``layers``; a layer that does not exist is told."""
    meant = layers_meant(layer, [(one.stack, one.index) for one in trace.layers], Message("the trace"))
    return not any(trace.layers[place] in layers for place in meant)


def _only(trace: Trace, layers: Sequence[Layer]) -> Trace:
    """``trace`` with these layers alone."""
    return replace(trace, layers=tuple(layers), predictions=(), generation=None)


def _has(trace: Trace, layers: Sequence[Layer], stack: str, query: str | range) -> bool:
    one = next(layer for layer in layers if layer.stack == stack)
    try:
        positions_meant("query", query, trace.query_tokens(one), boxes_of_queries(one))
    except AttnvizError:
        return False
    return True
