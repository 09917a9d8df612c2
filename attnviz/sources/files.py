"""Arrays on disk: a person's own Q, K and V, embeddings and projections. Nothing is ever unpickled."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy

from attnviz.attention.arrays import Array, as_array
from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.sources.contents import read_contents, read_csv, read_json, read_numpy, require_no_directory
from attnviz.sources.toy import Embedder, token_list
from attnviz.text.search import folded
from attnviz.trace.layer import Layer, Projection
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
WEIGHT_NAMES = {
    "query": ("w_q", "wq", "query"),
    "key": ("w_k", "wk", "key"),
    "value": ("w_v", "wv", "value"),
    "output": ("w_o", "wo", "output"),
}
BIAS_NAMES = {
    "query": ("b_q", "bq"),
    "key": ("b_k", "bk"),
    "value": ("b_v", "bv"),
    "output": ("b_o", "bo"),
}


def read_trace(path: Path, rule: Mapping[str, Any] | None = None) -> Trace:
    """The trace in ``path``: one that was saved, or Q, K and V as arrays (.npz, .safetensors, .json).

    Arrays are named query, key, value (or q, k, v), each (tokens, d), (heads, tokens, d) or (1, heads, tokens, d);
    mask, bias, sinks, tokens, key_tokens and the rule's numbers may stand beside them. What ``rule`` names
    ("causal", "scale", …) replaces what the file says.
    """
    content, metadata = read_contents(path)
    trace = unpacked(content, metadata, path) if "attnviz" in metadata else _arrays_trace(path, content)
    if rule:
        trace = replace(trace, layers=tuple(replace(layer, rule=replace(layer.rule, **rule)) for layer in trace.layers))
    for layer in trace.layers:
        layer.check()
    return trace


def load(path: str | os.PathLike[str]) -> Trace:
    """A trace from a file, as ``--from`` reads it: a saved trace, or Q, K and V as .npz, .safetensors or .json."""
    return read_trace(Path(path))


def read_embeddings(path: Path) -> Embedder:
    """A person's own vectors: JSON {word: vector}, CSV word,number,number,… or .npy (tokens, d), a row a token."""
    require_no_directory(path)
    match path.suffix.lower():
        case ".json":
            return _by_word(path, read_json(path))
        case ".csv":
            return _by_word(path, read_csv(path))
        case ".npy":
            return _by_place(path, read_numpy(path))
    raise AttnvizError(f"{path}: embeddings are read from .json, .csv and .npy")


def read_weights(path: Path) -> dict[str, Projection]:
    """A person's own W_Q, W_K, W_V and, if given, W_O, each (d_in, d_out), with biases b_Q, b_K, b_V, b_O.

    The names of torch.nn.MultiheadAttention's state_dict (in_proj_weight, out_proj.weight, …) are read as well.
    """
    content, _ = read_contents(path)
    if "in_proj_weight" in content:
        content = _of_multihead_attention(path, content)
    weights, biases = _named(path, content, WEIGHT_NAMES), _named(path, content, BIAS_NAMES)
    missing = [name for name in ("query", "key", "value") if name not in weights]
    if missing:
        wanted = ", ".join(f"W_{name[0].upper()}" for name in missing)
        raise AttnvizError(f"{path} lacks {wanted}: it holds {_names(content)}")
    return {name: _projection(path, name, weight, biases.get(name)) for name, weight in weights.items()}


def _arrays_trace(path: Path, content: Mapping[str, Any]) -> Trace:
    named = _named(path, content, NAMES)
    missing = [name for name in ("query", "key", "value") if name not in named]
    if missing:
        raise AttnvizError(
            f"{path} lacks {', '.join(missing)}: it holds {_names(content)}",
            "name the arrays query, key, value or q, k, v",
        )
    query, key, value = (_heads(path, name, named[name]) for name in ("query", "key", "value"))
    unread = [
        name for name in content if name.lower() not in {alias for aliases in NAMES.values() for alias in aliases}
    ]
    if "attn_mask" in named:  # torch's name for both
        boolean = as_array(named["attn_mask"], f"{path}: attn_mask").dtype.kind == "b"
        named.setdefault("mask" if boolean else "bias", named["attn_mask"])
    rule = Rule(
        scale=_number(path, "scale", named, float),
        causal=bool(_number(path, "causal", named, bool)),
        query_offset=_number(path, "query_offset", named, int),
        window=_number(path, "window", named, int),
        softcap=_number(path, "softcap", named, float),
        mask=_optional(path, "mask", named),
        bias=_optional(path, "bias", named),
        sinks=None if "sinks" not in named else numpy.atleast_1d(as_array(named["sinks"], f"{path}: sinks")),
    )
    tokens, key_tokens = _tokens(path, "tokens", named), _tokens(path, "key_tokens", named)
    square = query.shape[1] == key.shape[1]
    if tokens is None:
        tokens = numbered(query.shape[1], "" if square else "q")
    if key_tokens is None and not square:
        key_tokens = numbered(key.shape[1], "k")
    layer = Layer(query, key, value, rule, name=path.stem, key_tokens=key_tokens)
    return Trace(tokens, (layer,), {"kind": "arrays", "file": path.name, **({"unread": unread} if unread else {})})


def _heads(path: Path, name: str, value: Any) -> Array:
    """``value`` as (heads, tokens, d)."""
    array = as_array(value, f"{path}: {name}")
    shape = array.shape
    if array.ndim == 4 and shape[0] == 1:
        array = array[0]
    if array.ndim == 1:
        array = array[None]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3:
        expected = "(tokens, d), (heads, tokens, d) or (1, heads, tokens, d)"
        raise AttnvizError(f"{path}: {name} has the shape {shape}, expected {expected}")
    return array


def _optional(path: Path, name: str, named: Mapping[str, Any]) -> Array | None:
    if name not in named:
        return None
    array = as_array(named[name], f"{path}: {name}")
    return array[0] if array.ndim == 4 and array.shape[0] == 1 else array


def _number(path: Path, name: str, named: Mapping[str, Any], kind: type) -> Any:
    value = named.get(name)
    if value is None:
        return None
    array = as_array(value, f"{path}: {name}").reshape(-1)
    if (
        array.size != 1
        or (kind is int and not float(array[0]).is_integer())
        or (kind is bool and array[0] not in (0, 1))
    ):
        words = {int: "one whole number", float: "one number", bool: "true or false"}
        raise AttnvizError(f"{path}: {name} must be {words[kind]}")
    return kind(array[0])


def _tokens(path: Path, name: str, named: Mapping[str, Any]) -> tuple[str, ...] | None:
    value = named.get(name)
    if value is None:
        return None
    if isinstance(value, numpy.ndarray):
        value = value.tolist()
    if not isinstance(value, list) or not all(isinstance(token, str) for token in value):
        raise AttnvizError(f"{path}: {name} must be a list of strings")
    return tuple(value)


def _by_word(path: Path, content: Any) -> Embedder:
    if not isinstance(content, dict) or not content:
        raise AttnvizError(f"{path}: expected words, each with its vector")
    vectors: dict[str, numpy.ndarray] = {}
    for word, value in content.items():
        if folded(word) in vectors:
            raise AttnvizError(f"{path} has {token_list([word])} twice (upper and lower case are the same word)")
        vectors[folded(word)] = _vector(path, word, value)
    sizes = {len(vector) for vector in vectors.values()}
    if len(sizes) > 1:
        raise AttnvizError(
            f"{path}: the vectors have {' and '.join(map(str, sorted(sizes)))} numbers: give all the same"
        )

    def embed(tokens: Sequence[str]) -> numpy.ndarray:
        missing = [token for token in dict.fromkeys(tokens) if folded(token) not in vectors]
        if missing:
            raise AttnvizError(
                f"{path} has no vector for {token_list(missing)}", f"it has: {token_list(list(content))}"
            )
        return numpy.array([vectors[folded(token)] for token in tokens])

    return embed


def _by_place(path: Path, array: numpy.ndarray) -> Embedder:
    array = _finite(path, "the embeddings", array)
    if array.ndim != 2:
        raise AttnvizError(f"{path} has the shape {array.shape}: expected (tokens, d)")

    def embed(tokens: Sequence[str]) -> numpy.ndarray:
        if len(tokens) != len(array):
            raise AttnvizError(
                f"{path} has {len(array)} rows but the text has {len(tokens)} tokens: give a row for each"
            )
        return array.astype(numpy.float64)

    return embed


def _vector(path: Path, word: str, value: Any) -> numpy.ndarray:
    array = _finite(path, f"the vector of {token_list([word])}", value)
    if array.ndim != 1 or not array.size:
        raise AttnvizError(f"{path}: the vector of {token_list([word])} must be a list of numbers")
    return numpy.asarray(array, dtype=numpy.float64)


def _finite(path: Path, what: str, value: Any) -> Array:
    array = as_array(value, f"{path}: {what}")
    if not numpy.isfinite(array.astype(numpy.float64)).all():
        raise AttnvizError(f"{path}: {what} holds a value that is not finite")
    return array


def _projection(path: Path, name: str, weight: Any, bias: Any) -> Projection:
    matrix = _finite(path, f"the {name} weights", weight).astype(numpy.float64)
    if matrix.ndim != 2 or not matrix.size:
        raise AttnvizError(f"{path}: the {name} weights have the shape {matrix.shape}, expected (d_in, d_out)")
    if bias is None:
        return Projection(matrix)
    vector = _finite(path, f"the {name} bias", bias).astype(numpy.float64)
    if vector.shape != matrix.shape[1:]:
        raise AttnvizError(f"{path}: the {name} bias has the shape {vector.shape}, expected ({matrix.shape[1]},)")
    return Projection(matrix, vector)


def _of_multihead_attention(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.MultiheadAttention keeps W_Q, W_K, W_V stacked, and each transposed."""
    for name in ("bias_k", "bias_v"):
        if content.get(name) is not None:
            raise AttnvizError(f"{path} holds {name}, an extra key that attnviz does not compute")
    stacked = as_array(content["in_proj_weight"], f"{path}: in_proj_weight")
    if stacked.ndim != 2 or stacked.shape[0] != 3 * stacked.shape[1]:
        raise AttnvizError(f"{path}: in_proj_weight has the shape {stacked.shape}, expected (3 · d, d)")
    named = dict(zip(("w_q", "w_k", "w_v"), (part.T for part in numpy.split(stacked, 3)), strict=True))
    if "in_proj_bias" in content:
        bias = as_array(content["in_proj_bias"], f"{path}: in_proj_bias")
        if bias.shape != stacked.shape[:1]:
            raise AttnvizError(f"{path}: in_proj_bias has the shape {bias.shape}, expected {stacked.shape[:1]}")
        named |= dict(zip(("b_q", "b_k", "b_v"), numpy.split(bias, 3), strict=True))
    if "out_proj.weight" in content:
        named["w_o"] = as_array(content["out_proj.weight"], f"{path}: out_proj.weight").T
    if "out_proj.bias" in content:
        named["b_o"] = content["out_proj.bias"]
    return named


def _named(path: Path, content: Mapping[str, Any], names: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """What ``content`` holds under each of ``names``, in any case."""
    found: dict[str, Any] = {}
    for name, aliases in names.items():
        keys = [key for key in content if key.lower() in aliases and content[key] is not None]
        if len(keys) > 1:
            raise AttnvizError(f"{path} holds {' and '.join(keys)}, which both mean {name}: keep one")
        if keys:
            found[name] = content[keys[0]]
    return found


def _names(content: Mapping[str, Any]) -> str:
    return token_list(list(content)) or "nothing"
