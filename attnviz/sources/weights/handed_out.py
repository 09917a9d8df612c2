"""The ways in which programs hand out their weights, each read as what it says: arrays of layers, or of steps of layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from attnviz.attention.arrays import Array, as_array
from attnviz.attention.checks import require_some
from attnviz.errors import AttnvizError
from attnviz.text.display import listed_tokens
from attnviz.text.message import Message
from attnviz.trace.layer_facts import LARGEST_INDEX

OF_A_LAYER, OF_ITS_BATCH = "(heads, queries, keys)", "(batch, heads, queries, keys)"
OF_ALL = "(layers, heads, queries, keys)"
OF_A_BATCH = "(layers, batch, heads, queries, keys)"


class LayerWeights(NamedTuple):
    """The weights of the layer of this number, (heads, queries, keys)."""

    number: int
    weights: Array


def is_steps(attentions: Any) -> bool:
    """Whether it is what ``generate(output_attentions=True)`` gives: for each step a tuple of its layers' arrays."""
    return _is_list(attentions) and any(_is_list(one) and any(_is_array(layer) for layer in one) for one in attentions)


def layers_of(attentions: Any, item: int | None = None, name: str = "attentions") -> tuple[LayerWeights, ...]:
    """The layers of one forward pass: of an array of all layers, or of one array a layer, of which None is left out.

    ``item`` says which text of a batch is meant; a batch of one needs none. ``name`` is what an error calls it.
    """
    if isinstance(attentions, Mapping):
        raise AttnvizError(
            "{name} is a mapping of {keys}: give one of its values",
            "transformers calls them attentions, encoder_attentions, decoder_attentions and cross_attentions",
            name=name,
            keys=listed_tokens(list(map(str, attentions))) if attentions else Message("nothing"),
        )
    one_each = _is_list(attentions) and any(one is None or _is_array(one) for one in attentions)
    found = _one_each(attentions, name) if one_each or _differ(attentions) else _all(attentions, name)
    layers = tuple(LayerWeights(index, _of_item(array, item, name)) for index, array in found)
    if not layers:
        raise AttnvizError("{name} holds no weights", "ask the model for them: output_attentions=True", name=name)
    return layers


def _one_each(attentions: Sequence[Any], name: str) -> Iterator[tuple[int, Array]]:
    """An array for each layer that has one, without a batch (3 axes) or with (4)."""
    for index, one in enumerate(attentions):
        if one is None:  # a layer that has no attention, as models have that mix them with others
            continue
        array = as_array(one, Message("{name}[{index}]", name=name, index=index))
        if array.ndim not in (3, 4):
            raise AttnvizError(
                "{name}[{index}] has the shape {shape}: expected {layer} or {batch}",
                "transformers gives weights to code that asks for them with attn_implementation='eager'",
                name=name,
                index=index,
                shape=tuple(array.shape),
                layer=OF_A_LAYER,
                batch=OF_ITS_BATCH,
            )
        yield index, array


def _all(attentions: Any, name: str) -> Iterator[tuple[int, Array]]:
    """One array of all layers; of one layer, or of one head of it, it may lack the axes before."""
    array = as_array(attentions, name)
    if not 2 <= array.ndim <= 5:
        raise AttnvizError(
            "{name} has the shape {shape}: expected {layers}, {batch}, or less for one layer",
            name=name,
            shape=tuple(array.shape),
            layers=OF_ALL,
            batch=OF_A_BATCH,
        )
    require_some(array, name)  # an axis may be as long as it likes where another has no length
    for _ in range(4 - array.ndim):
        array = array[None]
    if len(array) > LARGEST_INDEX + 1:
        raise AttnvizError(
            "{name} holds {count:,} layers: at most {most:,} have a number",
            name=name,
            count=len(array),
            most=LARGEST_INDEX + 1,
        )
    return enumerate(array)


def _of_item(array: Array, item: int | None, name: str) -> Array:
    """([batch,] heads, queries, keys) → (heads, queries, keys) of the text that is meant."""
    array = array.detach() if hasattr(array, "detach") else array
    if array.ndim == 3:
        if item is not None:
            raise AttnvizError(
                "{name} has no batch, of which item={item} could be one", "leave out item", name=name, item=item
            )
        return array
    count = int(array.shape[0])
    if item is None and count != 1:
        raise AttnvizError(
            "{name} holds a batch of {count} texts: which one is meant?",
            "keep one of them: attentions[:, 0] of an array of all layers, item=0 in Python",
            name=name,
            count=count,
        )
    if not 0 <= (item or 0) < count:
        raise AttnvizError("there is no item {item}: the batch has {count}", item=item, count=count)
    return array[item or 0]


def _differ(attentions: Any) -> bool:
    """Whether it is a list of lists of numbers whose layers have not all the same shape: then each is an array of its own."""
    if not _is_list(attentions):
        return False
    shapes = {_shape(one) for one in attentions}
    return len(shapes) > 1 and all(len(shape) in (3, 4) for shape in shapes)


def _shape(value: Any) -> tuple[int, ...]:
    """How many there are along the first of each axis of nested lists."""
    return (len(value), *_shape(value[0])) if _is_list(value) and value else ()


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _is_array(value: Any) -> bool:
    """Whether it is an array of some library: a number is none, nor is a list."""
    return hasattr(value, "shape") and hasattr(value, "ndim") and getattr(value, "ndim", 0) != 0
