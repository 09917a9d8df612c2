"""Arrays on disk: a person's own Q, K and V, embeddings and projections. Nothing is ever unpickled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy

from attnviz.attention.arrays import as_array
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError, UsageError
from attnviz.files import file_errors, read_stream
from attnviz.sources.arrays.trace_arrays import of_layer
from attnviz.sources.files.fields import (
    array_of_heads,
    listed_names,
    named_fields,
    number_of,
    optional_array,
    tokens_of,
)
from attnviz.sources.files.readers import read_fields
from attnviz.sources.files.weights import is_weights, weights_trace
from attnviz.text.message import Message
from attnviz.trace.layer import VECTORS, WEIGHTS, Layer
from attnviz.trace.origin import Origin
from attnviz.trace.trace import Trace, unpacked

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


BESIDE_WEIGHTS = [name for name in NAMES if name not in VECTORS]
ALIASES = {alias for aliases in NAMES.values() for alias in aliases}


def read_trace(
    path: Path, rule: Mapping[str, Any] | None = None, content: bytes | None = None, text: str | None = None
) -> Trace:
    """The trace in ``path``: one that was saved, or Q, K and V, or weights alone, as arrays (.npz, .npy, .safetensors, .json).

    Arrays are named query, key, value (or q, k, v), each (tokens, d), (heads, tokens, d) or (1, heads, tokens, d);
    mask, bias, sinks, tokens, key_tokens and the rule's numbers may stand beside them. Weights are named weights or
    attentions, (layers, heads, queries, keys), or have an array for each layer, and are read where one of the three lacks.
    What ``rule`` names ("causal", "scale", …) replaces what the file says. ``text``, split at its spaces, are the tokens of
    arrays that come without. ``content`` are the bytes, where they have been read already.
    """
    content = _content(path, content)
    fields, metadata = read_fields(path, lambda name: name.lower() in ALIASES, content, WEIGHTS)
    if "attnviz" in metadata:
        trace = unpacked(fields, metadata, path)
        _require_no_text(path, text)
    elif any(map(is_weights, fields)) and not all(name in named_fields(path, fields, NAMES) for name in VECTORS):
        trace = _weights_trace(path, content, text)
    else:
        trace = _arrays_trace(path, fields, text)
    if rule:
        trace = replace(trace, layers=tuple(replace(layer, rule=replace(layer.rule, **rule)) for layer in trace.layers))
    for layer in trace.layers:
        layer.check()
    return trace


def _content(path: Path, content: bytes | None) -> bytes | None:
    """The bytes of what is no file on a disk, which gives them once, though it is looked at twice."""
    if content is not None or not os.path.exists(path) or os.path.isfile(path) or os.path.isdir(path):
        return content
    with file_errors(path), open(path, "rb") as stream:
        return read_stream(stream, path)


def _weights_trace(path: Path, content: bytes | None, text: str | None) -> Trace:
    """The trace of a file that holds weights, and not all of query, key and value."""
    fields, _ = read_fields(path, lambda name: name.lower() in BESIDE_WEIGHTS or is_weights(name), content, WEIGHTS)
    named = _with_text(path, named_fields(path, fields, {name: NAMES[name] for name in BESIDE_WEIGHTS}), text)
    unread = [name for name in fields if name.lower() not in BESIDE_WEIGHTS and not is_weights(name)]
    return weights_trace(path, fields, named, _rule(path, named), unread)


def _with_text(path: Path, named: dict[str, Any], text: str | None) -> dict[str, Any]:
    """``named`` with the words of ``text`` as tokens, where the file has none."""
    if text is None:
        return named
    _require_no_text(path, text if "tokens" in named else None)
    return named | {"tokens": text.split()}


def _require_no_text(path: Path, text: str | None) -> None:
    if text is not None:
        raise UsageError(
            "{path} holds its own tokens, and a text is given as well: which one is meant?",
            "leave out the text",
            path=path,
        )


def _arrays_trace(path: Path, content: Mapping[str, Any], text: str | None) -> Trace:
    named = _with_text(path, named_fields(path, content, NAMES), text)
    missing = [name for name in VECTORS if name not in named]
    if missing:
        raise AttnvizError(
            "{path} lacks {missing}: it holds {content}",
            "name the arrays query, key, value or q, k, v; weights alone, weights or attentions",
            path=path,
            missing=", ".join(missing),
            content=listed_names(content),
        )
    query, key, value = (array_of_heads(path, name, named[name]) for name in ("query", "key", "value"))
    unread = [name for name in content if name.lower() not in ALIASES]
    tokens, key_tokens = tokens_of(path, "tokens", named), tokens_of(path, "key_tokens", named)
    layer = Layer(query, key, value, _rule(path, named), name=path.stem)
    return of_layer(layer, tokens, key_tokens, Origin.of_arrays(path.name, unread))


def _rule(path: Path, named: dict[str, Any]) -> Rule:
    """The rule that the file tells."""
    if "attn_mask" in named:  # torch's name for both
        boolean = as_array(named["attn_mask"], Message("{path}: {name}", path=path, name="attn_mask")).dtype.kind == "b"
        named.setdefault("mask" if boolean else "bias", named["attn_mask"])
    return Rule(
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
