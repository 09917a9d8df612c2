"""Weights alone in a file: an array of all layers, or one a layer, by the names that people give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attnviz.attention.arrays import as_array
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.sources.files.fields import tokens_of
from attnviz.sources.weights.handed_out import layers_of
from attnviz.sources.weights.trace_weights import of_layers
from attnviz.text.display import listed_tokens
from attnviz.trace.layer import Layer
from attnviz.trace.origin import Origin
from attnviz.trace.trace import Trace

ONE = r"(?:attention_weights|attn_weights|attentions?|weights|attn)"
ALL_LAYERS = re.compile(ONE, re.IGNORECASE)
# weights.3, attentions_3, layer_3, layers.3.weights, and arr_3, as numpy.savez calls what has no name
ONE_LAYER = re.compile(rf"(?:{ONE}|layers?|arr)[._-]?(\d{{1,6}})(?:[._-]{ONE})?", re.IGNORECASE)


def is_weights(name: str) -> bool:
    """Whether a field of this name holds weights: of all layers or of one."""
    return bool(ALL_LAYERS.fullmatch(name) or ONE_LAYER.fullmatch(name))


def weights_trace(
    path: Path, fields: Mapping[str, Any], named: Mapping[str, Any], rule: Rule, unread: list[str]
) -> Trace:
    """The trace of the weights among ``fields``; ``named`` are those of its other fields that are known by name."""
    names = [name for name in fields if is_weights(name) and fields[name] is not None]
    if not names:
        raise AttnvizError("{name} holds no weights", "ask the model for them: output_attentions=True", name=path)
    whole = [name for name in names if ALL_LAYERS.fullmatch(name)]
    if len(whole) > 1 or (whole and len(names) > len(whole)):
        raise AttnvizError(
            "{path} holds weights under several names, {names}: keep one of all layers, or one for each layer",
            path=path,
            names=listed_tokens(names),
        )
    layers = layers_of(fields[whole[0]], name=f"{path}: {whole[0]}") if whole else _numbered(path, fields, names)
    return of_layers(
        [Layer(weights=one.weights, rule=rule, index=one.number) for one in layers],
        tokens_of(path, "tokens", named),
        tokens_of(path, "key_tokens", named),
        Origin.of_arrays(path.name, unread),
    )


def _numbered(path: Path, fields: Mapping[str, Any], names: list[str]) -> list[Any]:
    """The layers whose arrays have numbers, in their order; one array alone may be that of all layers."""
    if len(names) == 1:
        return list(layers_of(fields[names[0]], name=f"{path}: {names[0]}"))
    numbers = [int(found[1]) for name in names if (found := ONE_LAYER.fullmatch(name)) is not None]
    if len(set(numbers)) < len(numbers):
        raise AttnvizError(
            "{path} holds several arrays for one layer: {names}", path=path, names=listed_tokens(sorted(names))
        )
    layers = []
    for number, name in sorted(zip(numbers, names, strict=True)):
        [one] = layers_of([as_array(fields[name], f"{path}: {name}")], name=f"{path}: {name}")
        layers.append(one._replace(number=number))
    return layers
