"""A person's own vectors and matrices for the toy, read from files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

from attnviz.attention.arrays import Array, as_array, cast, to_numpy
from attnviz.errors import AttnvizError
from attnviz.sources.files.contents import opened
from attnviz.sources.files.fields import listed_names, named_fields
from attnviz.sources.files.numpy_files import read_npy
from attnviz.sources.files.readers import read_csv, read_fields, read_json
from attnviz.sources.toy.toy import Embedder
from attnviz.text.display import listed_tokens
from attnviz.text.message import AND, Message, joined
from attnviz.text.search import folded
from attnviz.trace.projection import Projection

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


ALIASES = {alias for names in (WEIGHT_NAMES, BIAS_NAMES) for aliases in names.values() for alias in aliases}
OF_MULTIHEAD_ATTENTION = (  # of torch.nn, in a state_dict
    "in_proj_weight",
    "in_proj_bias",
    "out_proj.weight",
    "out_proj.bias",
    "bias_k",
    "bias_v",
)
EMBEDDING_SUFFIXES = (".json", ".csv", ".npy")


def read_embeddings(path: Path) -> Embedder:
    """A person's own vectors: JSON {word: vector}, CSV word,number,number,… or .npy (tokens, d), one row per token."""
    with opened(path, EMBEDDING_SUFFIXES, Message("embeddings")) as contents:
        match contents.suffix:
            case ".json":
                return _by_word(path, read_json(contents))
            case ".csv":
                return _by_word(path, read_csv(contents))
        return _by_place(path, read_npy(contents))


def read_weights(path: Path) -> dict[str, Projection]:
    """A person's own W_Q, W_K, W_V and, if given, W_O, each (d_in, d_out), with biases b_Q, b_K, b_V, b_O.

    The names of torch.nn.MultiheadAttention's state_dict (in_proj_weight, out_proj.weight, …) are read as well.
    """
    content, _ = read_fields(path, _is_known)
    return _projections(path, content)


def given_embeddings(given: Any) -> Embedder:
    """The same vectors from memory: a mapping {word: vector}, or an array (tokens, d); or the file that a path names."""
    if isinstance(given, str | os.PathLike):
        return read_embeddings(Path(given))
    if isinstance(given, Mapping):
        if odd := next((word for word in given if not isinstance(word, str)), None):
            raise AttnvizError("embeddings holds {word}, which is no word", word=repr(odd)[:60])
        return _by_word("embeddings", given)
    return _by_place("embeddings", to_numpy(as_array(given, "embeddings")))


def given_weights(given: Any) -> dict[str, Projection]:
    """The same matrices from memory: a mapping of arrays by the same names; or the file that a path names."""
    if isinstance(given, str | os.PathLike):
        return read_weights(Path(given))
    if not isinstance(given, Mapping):
        raise AttnvizError(
            "weights is of type {kind}: expected arrays by name (W_Q, W_K, W_V), or a file",
            kind=type(given).__name__,
        )
    named = {str(name): one for name, one in given.items()}
    known = {
        name: to_numpy(as_array(one, Message("{path}: {name}", path="weights", name=name)))
        for name, one in named.items()
        if _is_known(name)
    }
    return _projections("weights", named | known)


def _is_known(name: str) -> bool:
    return name in OF_MULTIHEAD_ATTENTION or name.lower() in ALIASES


def _projections(path: Path | str, content: Mapping[str, Any]) -> dict[str, Projection]:
    if "in_proj_weight" in content:
        content = _of_multihead_attention(path, content)
    weights, biases = named_fields(path, content, WEIGHT_NAMES), named_fields(path, content, BIAS_NAMES)
    missing = [name for name in ("query", "key", "value") if name not in weights]
    if missing:
        wanted = ", ".join(f"W_{name[0].upper()}" for name in missing)
        raise AttnvizError(
            "{path} lacks {wanted}: it holds {content}", path=path, wanted=wanted, content=listed_names(content)
        )
    return {name: _projection(path, name, weight, biases.get(name)) for name, weight in weights.items()}


def _by_word(path: Path | str, content: Any) -> Embedder:
    if not isinstance(content, Mapping) or not content:
        raise AttnvizError("{path}: expected words, each with its vector", path=path)
    vectors: dict[str, numpy.ndarray] = {}
    for word, value in content.items():
        if folded(word) in vectors:
            raise AttnvizError(
                "{path} has {word} twice (upper and lower case are the same word)",
                path=path,
                word=listed_tokens([word]),
            )
        vectors[folded(word)] = _vector(path, word, value)
    sizes = {len(vector) for vector in vectors.values()}
    if len(sizes) > 1:
        raise AttnvizError(
            "{path}: the vectors have {sizes} numbers: all must have the same length",
            path=path,
            sizes=joined(sorted(sizes), AND),
        )

    def embed(tokens: Sequence[str]) -> numpy.ndarray:
        missing = [token for token in dict.fromkeys(tokens) if folded(token) not in vectors]
        if missing:
            raise AttnvizError(
                "{path} has no vector for {missing}",
                "it has: {content}",
                path=path,
                missing=listed_tokens(missing),
                content=listed_tokens(list(content)),
            )
        return numpy.array([vectors[folded(token)] for token in tokens])

    return embed


def _by_place(path: Path | str, array: numpy.ndarray) -> Embedder:
    array = _finite(path, Message("the embeddings"), array)
    if array.ndim != 2:
        raise AttnvizError("{path} has the shape {shape}: expected (tokens, d)", path=path, shape=array.shape)

    def embed(tokens: Sequence[str]) -> numpy.ndarray:
        if len(tokens) != len(array):
            raise AttnvizError(
                "{path} has {rows} rows but the text has {tokens} tokens: give a row for each",
                path=path,
                rows=len(array),
                tokens=len(tokens),
            )
        return array.astype(numpy.float64)

    return embed


def _vector(path: Path | str, word: str, value: Any) -> numpy.ndarray:
    array = _finite(path, Message("the vector of {word}", word=listed_tokens([word])), value)
    if array.ndim != 1 or not array.size:
        raise AttnvizError(
            "{path}: the vector of {word} must be a list of numbers", path=path, word=listed_tokens([word])
        )
    return numpy.asarray(array, dtype=numpy.float64)


def _finite(path: Path | str, what: str, value: Any) -> Array:
    array = to_numpy(as_array(value, f"{path}: {what}"))
    if not numpy.isfinite(cast(array, numpy.float64)).all():
        raise AttnvizError("{path}: {what} holds a value that is not finite", path=path, what=what)
    return array


def _projection(path: Path | str, name: str, weight: Any, bias: Any) -> Projection:
    matrix = _finite(path, Message("the {name} weights", name=name), weight).astype(numpy.float64)
    if matrix.ndim != 2 or not matrix.size:
        raise AttnvizError(
            "{path}: the {name} weights have the shape {shape}, expected (d_in, d_out)",
            path=path,
            name=name,
            shape=matrix.shape,
        )
    if bias is None:
        return Projection(matrix)
    vector = _finite(path, Message("the {name} bias", name=name), bias).astype(numpy.float64)
    if vector.shape != matrix.shape[1:]:
        raise AttnvizError(
            "{path}: the {name} bias has the shape {shape}, expected ({width},)",
            path=path,
            name=name,
            shape=vector.shape,
            width=matrix.shape[1],
        )
    return Projection(matrix, vector)


def _of_multihead_attention(path: Path | str, content: Mapping[str, Any]) -> dict[str, Any]:
    """torch.nn.MultiheadAttention keeps W_Q, W_K, W_V stacked, and each transposed."""
    for name in ("bias_k", "bias_v"):
        if content.get(name) is not None:
            raise AttnvizError("{path} holds {name}, an extra key that attnviz does not support", path=path, name=name)
    stacked = as_array(content["in_proj_weight"], Message("{path}: {name}", path=path, name="in_proj_weight"))
    if stacked.ndim != 2 or stacked.shape[0] != 3 * stacked.shape[1]:
        raise AttnvizError(
            "{path}: in_proj_weight has the shape {shape}, expected (3 · d, d)", path=path, shape=stacked.shape
        )
    named = dict(zip(("w_q", "w_k", "w_v"), (part.T for part in numpy.split(stacked, 3)), strict=True))
    if "in_proj_bias" in content:
        bias = as_array(content["in_proj_bias"], Message("{path}: {name}", path=path, name="in_proj_bias"))
        if bias.shape != stacked.shape[:1]:
            raise AttnvizError(
                "{path}: in_proj_bias has the shape {shape}, expected {stacked}",
                path=path,
                shape=bias.shape,
                stacked=stacked.shape[:1],
            )
        named |= dict(zip(("b_q", "b_k", "b_v"), numpy.split(bias, 3), strict=True))
    if "out_proj.weight" in content:
        named["w_o"] = as_array(
            content["out_proj.weight"], Message("{path}: {name}", path=path, name="out_proj.weight")
        ).T
    if "out_proj.bias" in content:
        named["b_o"] = content["out_proj.bias"]
    return named
