"""Arrays on disk: a person's own Q, K and V, embeddings and projections. Nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy

from attnviz.attention.arrays import as_array
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.sources.files.fields import (
    array_of_heads,
    listed_names,
    named_fields,
    number_of,
    optional_array,
    tokens_of,
)
from attnviz.sources.files.readers import read_fields
from attnviz.text.message import Message
from attnviz.trace.layer import Layer
from attnviz.trace.origin import Origin
from attnviz.trace.trace import Trace, numbered, unpacked

# The names under which an array may be found, in any case.
NAMES = {
    "query": ("query", "q"),
    "key": ("key", "k"),
    "value": ("value", "v"),
    "mask": ("mask",),
    "attn_mask": ("attn_mask",),
    "bias": ("bias",),
    "sinks": ("sinks",),
    "tokens": ("tokens",),
    "key_tokens": ("key_tokens",),
    "scale": ("scale",),
    "causal": ("causal",),
    "query_offset": ("query_offset",),
    "window": ("window",),
    "softcap": ("softcap",),
}


ALIASES = {alias for aliases in NAMES.values() for alias in aliases}


def read_trace(path: Path, rule: Mapping[str, Any] | None = None, content: bytes | None = None) -> Trace:
    """The trace in ``path``: one that was saved, or Q, K and V as arrays (.npz, .safetensors, .json).

    Arrays are named query, key, value (or q, k, v), each (tokens, d), (heads, tokens, d) or (1, heads, tokens, d);
    mask, bias, sinks, tokens, key_tokens and the rule's numbers may stand beside them. What ``rule`` names
    ("causal", "scale", …) replaces what the file says. ``content`` are the bytes, where they have been read already.
    """
    fields, metadata = read_fields(path, lambda name: name.lower() in ALIASES, content)
    trace = unpacked(fields, metadata, path) if "attnviz" in metadata else _arrays_trace(path, fields)
    if rule:
        trace = replace(trace, layers=tuple(replace(layer, rule=replace(layer.rule, **rule)) for layer in trace.layers))
    for layer in trace.layers:
        layer.check()
    return trace


def _arrays_trace(path: Path, content: Mapping[str, Any]) -> Trace:
    named = named_fields(path, content, NAMES)
    missing = [name for name in ("query", "key", "value") if name not in named]
    if missing:
        raise AttnvizError(
            "{path} lacks {missing}: it holds {content}",
            "name the arrays query, key, value or q, k, v",
            path=path,
            missing=", ".join(missing),
            content=listed_names(content),
        )
    query, key, value = (array_of_heads(path, name, named[name]) for name in ("query", "key", "value"))
    unread = [name for name in content if name.lower() not in ALIASES]
    if "attn_mask" in named:  # torch's name for both
        boolean = as_array(named["attn_mask"], Message("{path}: {name}", path=path, name="attn_mask")).dtype.kind == "b"
        named.setdefault("mask" if boolean else "bias", named["attn_mask"])
    rule = Rule(
        scale=number_of(path, "scale", named, float),
        causal=bool(number_of(path, "causal", named, bool)),
        query_offset=number_of(path, "query_offset", named, int),
        window=number_of(path, "window", named, int),
        softcap=number_of(path, "softcap", named, float),
        mask=optional_array(path, "mask", named),
        bias=optional_array(path, "bias", named),
        sinks=None
        if "sinks" not in named
        else numpy.atleast_1d(as_array(named["sinks"], Message("{path}: {name}", path=path, name="sinks"))),
    )
    tokens, key_tokens = tokens_of(path, "tokens", named), tokens_of(path, "key_tokens", named)
    square = query.shape[1] == key.shape[1]
    if tokens is None:
        tokens = numbered(query.shape[1], "" if square else "q")
    if key_tokens is None and not square:
        key_tokens = numbered(key.shape[1], "k")
    layer = Layer(query, key, value, rule, name=path.stem, key_tokens=key_tokens)
    return Trace(tokens, (layer,), Origin.of_arrays(path.name, unread))
